"""Intent, risk and route in answers."""

from api.http.models import Intent, Risk
from api.http.models import Route as RouteOut
from memory.intent import IntentTag
from memory.risk import RiskReport
from memory.routing import Route


def intent_out(tag: IntentTag | None) -> Intent:
    """Return a session's tag as it is shown; a blank one where nothing was said yet."""
    return Intent.model_validate(tag.to_json()) if tag else Intent()


def risk_out(report: RiskReport) -> Risk:
    """Return a session's risk as it is shown."""
    return Risk.model_validate(report.to_json())


def route_out(route: Route) -> RouteOut:
    """Return a route as it is shown."""
    return RouteOut.model_validate(route.to_json())
