"""Routing: a policy file maps intent, confidence and risk to a target and a fallback."""

from memory.routing.policy import RoutingPolicy, Rule, load_routing
from memory.routing.route import Route, route

__all__ = ["Route", "RoutingPolicy", "Rule", "load_routing", "route"]
