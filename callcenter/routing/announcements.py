"""What a waiting caller hears, as names of prompts: her place, and how long it may still take. Pure."""

import math


def position_prompts(position: int) -> list[str]:
    """The prompts that say a place in the queue, in Mandarin."""
    if position <= 1:
        return ["next-in-line"]
    return ["you-are-number", *number_prompts(position), "position-suffix"]


def wait_prompts(seconds: float | None) -> list[str]:
    """The prompts that say how long it may still take, in whole minutes, rounded up; nothing when nobody knows."""
    if seconds is None:
        return []
    minutes = max(1, math.ceil(seconds / 60))
    # Of two things one says 两, not 二.
    number = ["number-2-liang"] if minutes == 2 else number_prompts(minutes)
    return ["expected-wait", *number, "minutes"]


def number_prompts(number: int) -> list[str]:
    """A number from 1 to 999 as prompts: 12 → 十二, 105 → 一百零五. Larger ones are said as 999."""
    number = min(number, 999)
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    prompts = [f"digit-{hundreds}", "number-100"] if hundreds else []
    if tens:
        if tens > 1 or hundreds:
            prompts.append(f"digit-{tens}")
        prompts.append("number-10")
    elif hundreds and ones:
        prompts.append("digit-0")
    if ones or not prompts:
        prompts.append(f"digit-{ones}")
    return prompts
