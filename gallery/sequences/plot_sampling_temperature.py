"""
How boldly should a model write?
================================

A model of text can write: draw the next character from its probabilities, feed it back, draw again.
Dividing the logits by a *temperature* first makes the drawing timid or bold. What is lost on each
side?
"""

import re

import matplotlib.pyplot as plt

from handbook.device import get_device
from handbook.language import Vocabulary, generate
from handbook.plots import BLUE, STYLE, VERMILLION
from handbook.seeding import make_generator
from handbook.sequence_models import CharacterModel, train_character_model
from handbook.texts import load_devils_dictionary, split_entries

plt.style.use(STYLE)
device = get_device()
text, _ = split_entries(load_devils_dictionary(), generator=make_generator(0))
vocabulary = Vocabulary.of(text)
model = CharacterModel(len(vocabulary), 128, generator=make_generator(0)).to(device)
train_character_model(model, vocabulary.encode(text).to(device), n_epochs=5)

# %%
# Write at several temperatures
# -----------------------------
#
# Each text starts after a line break, where an entry begins. Two numbers describe it: the share of
# its words that are words of the dictionary's text, and the share of its words that are not
# repetitions.

TEMPERATURES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
N_CHARACTERS = 400
start = vocabulary.encode("\n").to(device)


def words_of(written):
    """Return the words of a text, without capitals."""
    return re.findall(r"[a-z]{2,}", written.lower())


known_words = set(words_of(text))
samples, known, distinct = {}, [], []
for temperature in TEMPERATURES:
    drawn = generate(
        model, start, N_CHARACTERS, temperature=temperature, generator=make_generator(1)
    )
    samples[temperature] = vocabulary.decode(drawn)
    words = words_of(samples[temperature])
    known.append(sum(word in known_words for word in words) / len(words))
    distinct.append(len(set(words)) / len(words))
assert max(known[1:3]) > 0.5
assert known[-1] < 0.33
print("words that exist: more than half of a cold text, less than a third of a hot one")

# %%
# At temperature 0 the most likely character is taken each time, and the text runs in a circle. At 1
# the model writes as it believes text to be. Above, the many unlikely characters win together,
# though none of them does alone.

assert distinct[0] < 0.4 < distinct[-1]
print("words not repeated: less than 40 % at temperature 0, more than that at 1.5")

fig, (top, bottom) = plt.subplots(2, 1, figsize=(6.4, 8.4), height_ratios=(5, 6))
top.plot(TEMPERATURES, known, color=BLUE, linestyle="-", marker="o", label="words that exist")
top.plot(
    TEMPERATURES, distinct, color=VERMILLION, linestyle="--", marker="s", label="words not repeated"
)
top.set_ylim(0, 1.28)
top.set_yticks([0, 0.25, 0.5, 0.75, 1.0])
top.set_title("Cold text repeats itself,\nhot text is not made of words")
top.set_xlabel("temperature (dimensionless)")
top.set_ylabel("share of all words")
top.legend(loc="upper center", ncols=2)

bottom.set_title("The same network at five temperatures")
bottom.set_axis_off()
WIDTH = 50
for row, temperature in enumerate((0.0, 0.25, 0.5, 1.0, 1.5)):
    written = samples[temperature].replace("\n", "¶")
    lines = [written[i : i + WIDTH] for i in range(0, 3 * WIDTH, WIDTH)]
    height = 1 - row / 5
    bottom.text(0, height, f"temperature {temperature}", va="top", fontweight="bold")
    bottom.text(0, height - 0.052, "\n".join(lines), va="top", family="monospace", fontsize=11)

# %%
# Change this and see
# -------------------
#
# - Start with ``vocabulary.encode("WEATHER, n. ")``: the model goes on as if it had written that.
# - Give ``make_generator(2)`` to ``generate``: another text at every temperature but 0, which draws
#   nothing.

plt.show()
