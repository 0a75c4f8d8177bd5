"""Transports by name, from the entry points of what is installed."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from sansio import ConfigError, ProviderConfig
from sansio.testing import FakeProvider
from transports import (
    AnyioTransport,
    HttpcoreTransport,
    MemoryTransport,
    SocketTransport,
    SyncMemoryTransport,
    SyncTransport,
    Transport,
    create_provider,
    create_sync_provider,
)
from transports.driving.named import make_sync_transport, make_transport

PROJECT = Path(__file__).resolve().parents[3] / "pyproject.toml"
POINTS: dict[str, dict[str, str]] = tomllib.loads(PROJECT.read_text())["project"]["entry-points"]
OURS = {group: points for group, points in POINTS.items() if group.startswith("sansio_llm.")}
EXTRAS: dict[str, list[str]] = tomllib.loads(PROJECT.read_text())["project"]["optional-dependencies"]

CONFIG = ProviderConfig(type="openai", model="m")


def install(
    site: Path, package: str, groups: dict[str, dict[str, str]], extras: tuple[str, ...] = ()
) -> None:
    """Write down what an installer would of a package's entry points and extras."""
    info = site / f"{package.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    lines = ["Metadata-Version: 2.4", f"Name: {package}", "Version: 1.0"]
    (info / "METADATA").write_text("\n".join(lines + [f"Provides-Extra: {extra}" for extra in extras]) + "\n")
    sections = [
        "\n".join([f"[{group}]", *(f"{name} = {value}" for name, value in points.items())])
        for group, points in groups.items()
    ]
    (info / "entry_points.txt").write_text("\n\n".join(sections) + "\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages, with this project in it, as its pyproject.toml says."""
    monkeypatch.syspath_prepend(str(tmp_path))
    install(tmp_path, "sansio-llm", OURS, tuple(EXTRAS))
    return tmp_path


def offline(config: ProviderConfig) -> Transport:
    """A transport of a foreign package."""
    return MemoryTransport(FakeProvider())


def offline_sync(config: ProviderConfig) -> SyncTransport:
    return SyncMemoryTransport(FakeProvider())


def needy(config: ProviderConfig) -> Transport:
    """One whose library is not installed."""
    raise ModuleNotFoundError("No module named 'carrier_pigeon'", name="carrier_pigeon")


HERE = f"{__name__}:"


class TestOurs:
    def test_each_is_made(self, site: Path) -> None:
        assert isinstance(make_transport("anyio", CONFIG), AnyioTransport)
        assert isinstance(make_transport("httpcore", CONFIG), HttpcoreTransport)
        assert isinstance(make_sync_transport("socket", CONFIG), SocketTransport)

    @pytest.mark.parametrize("name", ["httpx2", "aiohttp"])
    def test_one_that_needs_an_extra_has_its_name(self, name: str) -> None:
        assert name in OURS["sansio_llm.transports"]
        assert name in EXTRAS

    @pytest.mark.anyio
    async def test_a_provider_closes_the_transport_that_it_made(self, site: Path) -> None:
        async with create_provider(CONFIG, transport="anyio", api_key="any") as provider:
            assert provider.config is CONFIG
        with create_sync_provider(CONFIG, transport="socket", api_key="any") as blocking:
            assert blocking.config is CONFIG


class TestForeign:
    def test_a_package_adds_one_of_each_kind(self, site: Path) -> None:
        groups = {
            "sansio_llm.transports": {"offline": f"{HERE}offline"},
            "sansio_llm.sync_transports": {"offline": f"{HERE}offline_sync"},
        }
        install(site, "offline-llm", groups)
        assert isinstance(make_transport("offline", CONFIG), MemoryTransport)
        assert isinstance(make_sync_transport("offline", CONFIG), SyncMemoryTransport)

    def test_one_that_is_installed_twice_is_the_same(self, site: Path) -> None:
        for package in ("offline-llm", "offline-llm-copy"):
            install(site, package, {"sansio_llm.transports": {"offline": f"{HERE}offline"}})
        assert isinstance(make_transport("offline", CONFIG), MemoryTransport)


class TestErrors:
    def refused(self, name: str) -> ConfigError:
        with pytest.raises(ConfigError) as caught:
            create_provider(CONFIG, transport=name, api_key="any")
        assert caught.value.field == "transport"
        return caught.value

    def test_an_unknown_name_says_which_there_are(self, site: Path) -> None:
        error = self.refused("carrier-pigeon")
        for name in ("carrier-pigeon", *OURS["sansio_llm.transports"]):
            assert name in error.message
        with pytest.raises(ConfigError, match="socket"):
            create_sync_provider(CONFIG, transport="anyio", api_key="any")

    def test_a_missing_library_names_the_extra(self, site: Path) -> None:
        points = {"sansio_llm.transports": {"pigeon": f"{HERE}needy"}}
        install(site, "pigeon-llm", points, ("pigeon",))
        error = self.refused("pigeon")
        assert "carrier_pigeon" in error.message
        assert "pip install 'pigeon-llm[pigeon]'" in error.message

    def test_a_missing_library_of_a_package_without_extras(self, site: Path) -> None:
        install(site, "pigeon-llm", {"sansio_llm.transports": {"pigeon": f"{HERE}needy"}})
        assert "pigeon-llm needs it" in self.refused("pigeon").message

    def test_one_name_in_two_packages_is_refused(self, site: Path) -> None:
        install(site, "one-llm", {"sansio_llm.transports": {"twice": f"{HERE}offline"}})
        install(site, "two-llm", {"sansio_llm.transports": {"twice": f"{HERE}needy"}})
        error = self.refused("twice")
        assert "offline" in error.message
        assert "needy" in error.message
