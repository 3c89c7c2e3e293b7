"""What is said: a small grammar with digits and spelling mixed in, so that all sounds come up."""

import numpy as np

_WHO = (
    "I",
    "you",
    "we",
    "they",
    "my brother",
    "your teacher",
    "the boss",
    "our neighbour",
    "Bob",
    "Fiona",
    "Joe",
    "Ruth",
    "the doctor",
    "Vera",
    "those people",
)
_DID = (
    "saw",
    "found",
    "bought",
    "moved",
    "painted",
    "forgot",
    "wanted",
    "fixed",
    "heard about",
    "showed me",
    "dropped",
    "borrowed",
    "cooked",
    "measured",
    "threw away",
)
_WHAT = (
    "the old blue car",
    "a bowl of soup",
    "five brown boxes",
    "that funny movie",
    "a huge yellow boat",
    "the top of the cheese",
    "two shoes",
    "a picture of the moon",
    "the whole menu",
    "my favourite jacket",
    "both of the phones",
    "a very thin book",
    "the wooden table",
    "some green apples",
    "a pair of gloves",
    "the lamp by the door",
    "a fresh pot of tea",
    "your birthday present",
    "the chair with three legs",
    "more than we need",
)
_WHEN = (
    "",
    "",
    "",
    " this morning",
    " on Sunday",
    " before lunch",
    " last week",
    " by the river",
    " at the beach",
    " in the garage",
    " after the show",
    " near our house",
)
_PLAIN = (
    "Are you sure about that?",
    "Oh, that is a wonderful idea.",
    "Please move over a bit.",
    "How far is it to the beach?",
    "No, I would rather stay at home.",
    "We should leave before it gets dark.",
    "Who would do such a thing?",
    "Maybe you are right about him.",
    "Wow, look at the moon!",
    "Give me the other one, please.",
    "Both of them were at the office.",
    "You always say that.",
    "What a lovely room this is.",
    "Hey, have you ever been to Rome?",
    "My mother thought so too.",
    "Come on, tell me the whole story.",
    "The weather was awful all week.",
    "Why do you keep the window open?",
    "I hope they fix the bathroom soon.",
    "Nobody knew what he was up to.",
    "Few people believe me.",
    "It was fifty pounds, I think.",
    "Do you want some more coffee?",
    "That is why we have to choose.",
)
_OPENERS = ("", "", "", "Well, ", "You know, ", "Oh, ", "Hmm, but ", "Listen, ", "So ", "Maybe ", "Of course ")
_COLOURS = ("blue", "green", "red", "white")
_ORDERS = ("bin", "lay", "place", "set")
_ADVERBS = ("again", "now", "please", "soon")


def sentence(rng: np.random.Generator) -> str:
    """One sentence out of several thousand."""
    kind = rng.random()
    if kind < 0.5:
        words = f"{_one(rng, _OPENERS)}{_one(rng, _WHO)} {_one(rng, _DID)} {_one(rng, _WHAT)}{_one(rng, _WHEN)}."
        return words[0].upper() + words[1:]
    if kind < 0.75:
        return _one(rng, _PLAIN)
    if kind < 0.88:
        number = " ".join(str(digit) for digit in rng.integers(0, 10, int(rng.integers(3, 6))))
        return f"The {_one(rng, ('number', 'code', 'room', 'price'))} is {number}."
    letters = " ".join(chr(65 + letter) for letter in rng.integers(0, 26, int(rng.integers(2, 4))))
    order = f"{_one(rng, _ORDERS)} {_one(rng, _COLOURS)} at {letters} {rng.integers(0, 10)} {_one(rng, _ADVERBS)}."
    return order[0].upper() + order[1:]


def _one(rng: np.random.Generator, choices: tuple[str, ...]) -> str:
    return choices[rng.integers(len(choices))]
