"""
Does a network guess the next letter better?
============================================

Counts of two characters know that *q* is followed by *u*. A recurrent network reads the whole text
so far and keeps what it needs in its hidden units. How many bits per character is that worth?
"""

import matplotlib.pyplot as plt
import torch

from handbook.device import get_device
from handbook.language import (
    NgramModel,
    Vocabulary,
    bits_per_character,
    ngram_bits,
    ngram_probabilities,
)
from handbook.plots import GREEN, GREY, PURPLE, STYLE, TRAINING, VALIDATION
from handbook.seeding import make_generator
from handbook.sequence_models import CharacterModel, train_character_model
from handbook.texts import load_devils_dictionary, split_entries

plt.style.use(STYLE)
device = get_device()

# %%
# What counting reaches
# ---------------------

texts = split_entries(load_devils_dictionary(), generator=make_generator(0))
vocabulary = Vocabulary.of(texts[0], unknown="?")
training, test = (vocabulary.encode(text) for text in texts)
n_symbols = len(vocabulary)
counted = {"uniform": torch.tensor(n_symbols).log2().item()}
for name, order in (("unigram", 1), ("bigram", 2)):
    table = ngram_probabilities(training, order, n_symbols, alpha=0.1)
    counted[name] = ngram_bits(table, test).mean().item()
mixed = min(NgramModel(training, k, n_symbols).bits(test).mean().item() for k in range(1, 7))
counted["best mix of n-grams"] = mixed
for name, bits in counted.items():
    print(f"{name:<20} {bits:.2f} bits per character")

# %%
# A recurrent network
# -------------------
#
# A GRU with 128 hidden units reads 32 stretches of the text side by side. The loss is the
# cross-entropy in nats; divided by log 2 it is in bits. After each epoch the held-out entries are
# read once, from beginning to end.

model = CharacterModel(n_symbols, 128, generator=make_generator(0)).to(device)
training, test = training.to(device), test.to(device)
in_training, held_out = [], []


def measure(epoch, loss):
    """Note the bits per character of this epoch."""
    in_training.append((torch.tensor(loss) / torch.tensor(2.0).log()).item())
    with torch.no_grad():
        logits, _ = model(test[None, :-1])
    held_out.append(bits_per_character(logits[0], test[1:]).item())


train_character_model(model, training, n_epochs=5, after_epoch=measure)
print(f"held out, after the first epoch: about {held_out[0]:.1f} bits per character")

# %%
# After one epoch the network knows more than the counts of single characters, and soon more than
# those of pairs. After five it is nearly level with the best mix of counts, which took no training
# at all. Counts are a baseline to be taken seriously.

assert held_out[0] < counted["unigram"] - 0.5
assert held_out[-1] < counted["bigram"] - 0.7
assert abs(held_out[-1] - mixed) < 0.12
print("after the last: more than 0.7 bits better than bigrams,")
print("and within 0.12 bits of the best mix of n-grams")

fig, ax = plt.subplots(figsize=(6.4, 4.8))
epochs = range(1, len(held_out) + 1)
ax.plot(epochs, in_training, color=TRAINING, linestyle="-", marker="o", label="network, training")
ax.plot(epochs, held_out, color=VALIDATION, linestyle="--", marker="s", label="network, held out")
lines = (
    ("unigram", GREY, ":", 1.0, "left"),
    ("bigram", PURPLE, "-.", 5.0, "right"),
    ("best mix of n-grams", GREEN, (0, (8, 3)), 1.0, "left"),
)
for name, color, linestyle, place, side in lines:
    ax.axhline(counted[name], color=color, linestyle=linestyle)
    ax.text(place, counted[name] - 0.04, name, color=color, ha=side, va="top")
ax.set_ylim(2.2, 5.3)
ax.set_xticks(epochs)
ax.set_title("Far better than bigrams, and nearly level\nwith the best mix of n-grams")
ax.set_xlabel("epoch")
ax.set_ylabel("bits per character")
ax.legend(loc="upper right", ncols=2)

# %%
# Change this and see
# -------------------
#
# - Train for 15 epochs, ``n_epochs=15``: the network passes the mix of n-grams by about a tenth of
#   a bit. The text of training gains far more than the held-out text: much of it is learned by
#   heart.
# - Take 16 hidden units instead of 128: the network ends about as far as bigrams.

plt.show()
