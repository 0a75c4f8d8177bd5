"""The transport through an httpcore pool: proxies, and pools that an application shares."""
