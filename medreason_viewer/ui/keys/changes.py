"""Changes of a profile that touch more than one key."""

from __future__ import annotations

from .profile import PROFILES, InputProfile


def moved_key(profile: InputProfile, action: str, before: str, after: str) -> InputProfile:
    """``action`` on the key ``after`` in place of ``before`` (empty: besides its other keys)."""
    return (profile.with_key(before, "") if before else profile).with_key(after, action)


def taken_for_reset(profile: InputProfile, action: str) -> dict[str, str]:
    """Keys that the action began with and others have now: the key, and the other action."""
    return {
        key: profile.keys[key]
        for key in PROFILES[profile.name].keys_for(action)
        if profile.keys.get(key, action) != action
    }


def reset_action(profile: InputProfile, action: str) -> InputProfile:
    """The action on the keys it began with, and on no other."""
    for key in profile.keys_for(action):
        profile = profile.with_key(key, "")
    for key in PROFILES[profile.name].keys_for(action):
        profile = profile.with_key(key, action)
    return profile


def is_changed(profile: InputProfile, action: str) -> bool:
    """Whether an action has other keys than it began with."""
    return set(profile.keys_for(action)) != set(PROFILES[profile.name].keys_for(action))
