"""Google: the address of Gemini on Vertex.

Source: Google's SDK, `_api_client.py`, for the hosts of locations.
"""

from __future__ import annotations

from urllib.parse import quote

_MULTI_REGIONS = ("us", "eu")


def vertex_url(project: str, location: str = "global", *, version: str = "v1") -> str:
    """The base URL of Gemini on Vertex, for a config of the type `vertex`.

    Args:
        project: the id of the Google Cloud project.
        location: a region such as `"europe-west4"`, `"us"` or `"eu"`; default: `"global"`.
        version: the API's version (default: `"v1"`).

    Returns:
        The URL, for `base_url`.

    Example:
        >>> vertex_url("my-project", "europe-west4")
        'https://europe-west4-aiplatform.googleapis.com/v1/projects/my-project/locations/europe-west4/publishers/google'
    """
    if location == "global":
        host = "aiplatform.googleapis.com"
    elif location in _MULTI_REGIONS:
        host = f"aiplatform.{location}.rep.googleapis.com"
    else:
        host = f"{location}-aiplatform.googleapis.com"
    where = f"projects/{quote(project, safe='')}/locations/{quote(location, safe='')}"
    return f"https://{host}/{version}/{where}/publishers/google"
