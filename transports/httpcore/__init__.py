"""The transport through an httpcore pool: proxies, HTTP/2, and pools that an application shares."""
