"""One HTTP/1.1 exchange as a pure machine, and the inputs that any transport gives a `Call`.

`messages` has what goes over the wire, `exchange` the machine, `heads` and `body` the two halves of a
response, `coding` undoes compression, and `syntax` is the grammar that all of them share.
"""

from sansio.http.exchange import HTTPExchange
from sansio.http.messages import Body, End, Head, Headers, Input, Lost, Request, header

__all__ = ["Body", "End", "HTTPExchange", "Head", "Headers", "Input", "Lost", "Request", "header"]
