"""What a session is about: taxonomy, masking, the tag."""

from memory.intent.model import IntentModel
from memory.intent.state import SessionState
from memory.intent.tagger import IntentTag, IntentTagger, Segment

__all__ = ["IntentModel", "IntentTag", "IntentTagger", "Segment", "SessionState"]
