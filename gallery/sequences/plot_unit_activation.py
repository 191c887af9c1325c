"""
What does a hidden unit follow?
===============================

Nobody told the network that an entry of a dictionary begins with a headword in capitals. It has to
keep track of that all the same, to know whether the next letter is a capital. Is there a unit that
does?
"""

import matplotlib.pyplot as plt
import torch
from matplotlib.colors import ListedColormap

from handbook.device import get_device
from handbook.language import Vocabulary
from handbook.plots import DIVERGING, STYLE
from handbook.seeding import make_generator
from handbook.sequence_models import CharacterModel, train_character_model
from handbook.texts import load_devils_dictionary, split_entries

plt.style.use(STYLE)
device = get_device()
text, held_out = split_entries(load_devils_dictionary(), generator=make_generator(0))
vocabulary = Vocabulary.of(text, unknown="?")
model = CharacterModel(len(vocabulary), 128, generator=make_generator(0)).to(device)
train_character_model(model, vocabulary.encode(text).to(device), n_epochs=4)

# %%
# Read text that was not trained on
# ---------------------------------
#
# The GRU has 128 units, each a number from −1 to 1 after every character. Beside them, write down
# what we ask for: 1 from a line break to the next comma, where the headword stands, 0 elsewhere.

with torch.no_grad():
    units, _ = model.states(vocabulary.encode(held_out).to(device)[None])
units = units[0].cpu().double()  # (T, 128)


def inside_headword(written):
    """Mark the characters from a line break to the next comma with 1, all others with 0."""
    marks, inside = [], True
    for character in written:
        if character in "\n,":
            inside = character == "\n"
        marks.append(float(inside))
    return torch.tensor(marks, dtype=torch.float64)


headword = inside_headword(held_out)
table = torch.corrcoef(torch.cat([headword[None], units.T]))  # (129, 129)
correlation = table[0, 1:]
unit = correlation.abs().argmax().item()
sign = correlation[unit].sign()
assert correlation.abs().max() > 0.75
print("one unit correlates with the headword by more than 0.75")

# %%
# As a check, look for a unit that follows marks that mean nothing: the same ones, moved by 1000
# characters. With 128 units to choose from, the best of them still correlates a little, by chance.

moved = torch.corrcoef(torch.cat([headword.roll(1000)[None], units.T]))[0, 1:].abs().max().item()
assert moved < 0.3
print("with marks moved away: less than 0.3")

# %%
# The unit, drawn over the text
# -----------------------------

COLUMNS, ROWS = 40, 16
first = held_out.index("\n") + 1
shown = held_out[first : first + COLUMNS * ROWS]
activation = (sign * units[first : first + COLUMNS * ROWS, unit]).reshape(ROWS, COLUMNS)
fig, ax = plt.subplots(figsize=(6.4, 6.6))
# Pale colours, so that black letters can be read on them, also on a dark page.
pale = ListedColormap(1 - 0.45 * (1 - plt.get_cmap(DIVERGING)(range(256))[:, :3]))
image = ax.imshow(activation, cmap=pale, vmin=-1, vmax=1, aspect="auto")
for place, character in enumerate(shown):
    row, column = divmod(place, COLUMNS)
    label = "¶" if character == "\n" else character
    ax.text(column, row, label, ha="center", va="center", family="monospace", fontsize=11)
ax.set_title("One unit is on in headwords (CAPITALS)\nand off in the sentences")
ax.set_xlabel("40 characters per line, ¶ is a line break")
ax.set_xticks([])
ax.set_yticks([])
ax.grid(visible=False)
colorbar = fig.colorbar(image, ax=ax, orientation="horizontal", shrink=0.7, aspect=30, pad=0.02)
colorbar.set_ticks([-1, -0.5, 0, 0.5, 1])
colorbar.set_label("activation of the unit (sign chosen so that on is 1)")

# %%
# Change this and see
# -------------------
#
# - Replace the marks by ``[float(c in "aeiou") for c in held_out]``: a unit follows vowels too,
#   less exactly.
# - Leave the training out: with random weights, some unit still follows the line breaks a little.
#   What a unit correlates with need not have been learned.

plt.show()
