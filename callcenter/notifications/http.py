"""One request to a provider, judged: did it surely not arrive, or is it unknown whether it did."""

import asyncio
from collections.abc import Mapping

import httpx

from callcenter.notifications.channel import NotSent

CONNECT_SECONDS = 5.0
SECONDS = 10.0
LONGEST_ANSWER = 65536

_NEVER_ARRIVED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Http:
    """A client of one provider, at most ``at_once`` connections; opened at the first request."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._client: httpx.AsyncClient | None = None

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes = b"",
        auth: tuple[str, str] | None = None,
    ) -> tuple[int, str, httpx.Headers]:
        """Status, text and headers of the answer; raises `NotSent` when there is none.

        429 and 5xx are answers too: what they mean is the channel's to say, see `refuse_unwell`.
        """
        client = self._client = self._client or httpx.AsyncClient(
            timeout=httpx.Timeout(SECONDS, connect=CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=self._at_once),
            follow_redirects=False,
            trust_env=False,
        )
        # The deadline is for the whole exchange: httpx's own starts anew with every byte of a slow provider.
        try:
            async with (
                asyncio.timeout(SECONDS),
                client.stream(method, url, headers=headers, content=content, auth=auth) as response,
            ):
                body = b""
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > LONGEST_ANSWER:
                        raise NotSent("answer_too_long", unknown=True)
                return response.status_code, body.decode("utf-8", "replace"), response.headers
        except _NEVER_ARRIVED as error:
            raise NotSent("unreachable", again=True) from error
        except TimeoutError as error:
            raise NotSent("timeout", unknown=True) from error
        except (httpx.TimeoutException, httpx.TransportError, httpx.DecodingError, OSError) as error:
            raise NotSent("cut_off", unknown=True) from error
        except (httpx.InvalidURL, ValueError) as error:
            raise NotSent("not_a_request") from error

    async def close(self) -> None:
        """Let go of the connections."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.aclose()


def refuse_unwell(status: int) -> None:
    """Raise `NotSent` for the statuses by which a provider says that it is unwell: 429 and 5xx."""
    if status == 429 or status >= 500:
        raise NotSent(f"http_{status}", again=True)
