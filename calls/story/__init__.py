"""What happened with a donor and with a call, here and at the systems outside: one telling of it,
for the page of a person and, of less, for the desk."""

from calls.story.places import Which
from calls.story.telling import StoryPage, read_call_story, read_story
from calls.story.words import By, Entry, attempt_text

__all__ = [
    "By",
    "Entry",
    "StoryPage",
    "Which",
    "attempt_text",
    "read_call_story",
    "read_story",
]
