"""
How far back should counts look?
================================

The next character is told best by the ones before it. Counts need no training: how often did *q*
stand before *u*? But the longer the history, the rarer has it been seen. How many characters are
best, and how would you notice that it was too many?
"""

import matplotlib.pyplot as plt

from handbook.language import NgramModel, Vocabulary, ngram_bits, ngram_probabilities, perplexity
from handbook.plots import GREY, STYLE, TRAINING, VALIDATION
from handbook.seeding import make_generator
from handbook.texts import load_devils_dictionary, split_entries

plt.style.use(STYLE)

# %%
# A dictionary
# ------------
#
# 322 short entries of a satirical dictionary of 1911, one to a line. An eighth of them, drawn at
# random, is held out. Entries do not depend on each other, so that here a random split is honest.

entries = load_devils_dictionary()
training_text, test_text = split_entries(entries, generator=make_generator(0))
vocabulary = Vocabulary.of(training_text, unknown="?")
training, test = vocabulary.encode(training_text), vocabulary.encode(test_text)
print(entries[0])
print(
    f"{len(training)} characters to count, {len(test)} held out, {len(vocabulary)} different ones"
)

# %%
# Bits per character
# ------------------
#
# A model that gives the next character probability p is surprised by it by −log₂ p bits. The mean
# over the held-out text is what an archive made with this model would need for each character.

orders = range(1, 8)
on_training, on_test = [], []
for order in orders:
    model = NgramModel(training, order, len(vocabulary))
    on_training.append(model.bits(training).mean().item())
    on_test.append(model.bits(test).mean().item())
    numbers = f"{on_training[-1]:.2f} bits in training, {on_test[-1]:.2f} held out"
    print(f"order {order}: {numbers}, perplexity {perplexity(on_test[-1]):.1f}")

# %%
# The counts of training never stop getting better: a history of six characters was seen once or
# twice, and what followed is known by heart. The held-out text is told best from three or four
# characters.

best = on_test.index(min(on_test))
assert orders[best] in (4, 5)
assert on_training == sorted(on_training, reverse=True)
assert on_test[-1] > on_test[best] + 0.1

plain = []
for order in (1, 2, 3):
    table = ngram_probabilities(training, order, len(vocabulary))
    plain.append(ngram_bits(table, test).mean().item())
print("one added to every count:", *(f"{bits:.2f}" for bits in plain))
assert plain[2] > on_test[2] + 0.3

fig, ax = plt.subplots(figsize=(6.4, 4.6))
ax.plot(
    orders, on_training, color=TRAINING, linestyle="-", marker="o", label="text that was counted"
)
ax.plot(orders, on_test, color=VALIDATION, linestyle="--", marker="s", label="text held out")
ax.plot((1, 2, 3), plain, color=GREY, linestyle=":", marker="D", label="held out, one added")
ax.set_ylim(0, 5.4)
ax.set_title("Three characters of history tell the most;\nlonger ones are known by heart")
ax.set_xlabel("order (characters, the next one included)")
ax.set_ylabel("bits per character")
ax.legend(loc="lower left")

# %%
# Change this and see
# -------------------
#
# - Count half of the text, ``training[: len(training) // 2]``: the best order falls or stays, and
#   every order is worse. Counts need text.
# - Set ``alpha=0.1`` in ``ngram_probabilities``: for bigrams and trigrams less is better than one.

plt.show()
