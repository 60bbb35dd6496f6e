"""The compose file says what Satchel understands, and leaves nothing wide open."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.cli.serve import GRACE
from api.settings import Settings
from tests.conftest import A_MASTER_KEY

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
COMPOSE = yaml.safe_load(FILE.read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}


def test_replicas_can_start_as_they_are_set() -> None:
    """Every variable of theirs is a setting with a value that it takes, and none needs a data folder."""
    given = {
        name: A_MASTER_KEY if name == "SATCHEL_MASTER_KEY" else value
        for name, value in SERVICES["replica"]["environment"].items()
    }
    assert all(name.startswith("SATCHEL_") for name in given)

    # A name that is no setting is refused.
    settings = Settings.model_validate(
        {name.removeprefix("SATCHEL_").lower(): value for name, value in given.items()}
    )

    assert not settings.keeps_data


@pytest.mark.parametrize("name", OURS)
def test_our_containers_may_do_little(name: str) -> None:
    """Nothing is written outside of what is mounted, no rights are gained, and a stop is waited for."""
    service = OURS[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert int(service["stop_grace_period"].removesuffix("s")) > GRACE
    assert re.search(r"^USER (?!root)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_bounded_watched_and_local(name: str) -> None:
    """Limits, a health check, and ports on loopback only."""
    service = SERVICES[name]

    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}
    watched = "HEALTHCHECK" in (ROOT / "Dockerfile").read_text() if name in OURS else "healthcheck" in service
    assert watched
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    ports = re.fullmatch(r"127.0.0.1:(\d+)(?:-(\d+))?:\d+", service["ports"][0])
    assert ports
    replicas = service["deploy"].get("replicas", 1)
    assert int(ports[2] or ports[1]) - int(ports[1]) + 1 == replicas


def test_what_is_waited_for_is_there() -> None:
    """Services, volumes, and configurations that others name."""
    for service in SERVICES.values():
        assert all("healthcheck" in SERVICES[other] for other in service.get("depends_on", {}))
        assert {volume.split(":")[0] for volume in service.get("volumes", ())} <= COMPOSE["volumes"].keys()
        assert {config["source"] for config in service.get("configs", ())} <= COMPOSE.get(
            "configs", {}
        ).keys()


def test_every_variable_is_in_the_example() -> None:
    """And no secret has a default; what is in the example is asked for."""
    used = re.findall(r"\$\{(\w+)(:?[^}]*)\}", FILE.read_text())
    example = re.findall(r"^(\w+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)

    assert {name for name, _ in used} == {name for name, _ in example}
    assert {default for _, default in used} == {":-"}
    assert {value for _, value in example} == {""}
