"""What an answer leads to: the links of the OpenAPI description, from one operation to the next.

Clients can follow them, and so do the tests that play whole uses of the API from its description.
"""

from typing import Any

Links = dict[int | str, dict[str, Any]]

_SESSION = {"session_id": "$request.path.session_id"}
_RECEIPT = {"receipt_id": "$response.body#/receipt_id"}
_USER = {"user_id": "$request.path.user_id"}


def _link(operation: str, parameters: dict[str, str]) -> dict[str, Any]:
    return {"operationId": operation, "parameters": parameters}


AFTER_TURNS: Links = {
    201: {
        "links": {
            "session": _link("get_session", _SESSION),
            "turns": _link("list_turns", _SESSION),
            "event": _link("post_event", _SESSION),
            "expiry": _link("put_session_expiry", _SESSION),
            "erase": _link("delete_session", _SESSION),
            "erase_turn": _link("delete_turn", {"turn_id": "$response.body#/turns/0/id"}),
            "sessions": _link("list_sessions", {"user_id": "$request.body#/user_id"}),
            "export": _link("export_user", {"user_id": "$request.body#/user_id"}),
        }
    }
}
AFTER_PURGE: Links = {202: {"links": {"receipt": _link("get_purge", _RECEIPT)}}}
AFTER_HOLD: Links = {200: {"links": {"lift": _link("delete_hold", _USER)}}}
