"""
What is normal, and what is El Niño?
====================================

Off Peru the sea is warm in March and cold in September, every year. Every few years it stays far
too warm for months: that is El Niño. Sixty-one years of temperatures hold both. How do you tell
them apart?
"""

import matplotlib.pyplot as plt

from handbook.datasets import load_el_nino
from handbook.device import get_device
from handbook.forecasting import anomalies, climatology
from handbook.plots import BLUE, GREY, STYLE, TRUTH, VERMILLION

plt.style.use(STYLE)
device = get_device()
series = load_el_nino()
temperature = series.temperature_celsius.to(device)  # (732,): January 1950 to December 2010

# %%
# The normal year
# ---------------
#
# The *climatology* is the mean of each calendar month. It is taken from the thirty years 1950 to
# 1979 only: forecasts for later years will be made with it, and may not know those years.

n_training = 30 * 12
normal = climatology(temperature[:n_training])  # (12,)
warmest, coldest = normal.argmax().item(), normal.argmin().item()
names = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
print(f"warmest month: {names[warmest]}, {normal[warmest].item():.1f} °C")
print(f"coldest month: {names[coldest]}, {normal[coldest].item():.1f} °C")

# %%
# What is left
# ------------
#
# The *anomaly* is the temperature minus what is normal for its month. The year is gone from it;
# what remains is what a forecaster has to forecast.

anomaly = anomalies(temperature, normal)
share = (anomaly.var() / temperature.var()).item()
print(f"standard deviation of the temperature: {temperature.std().item():.1f} °C")
print(f"standard deviation of the anomaly: {anomaly.std().item():.1f} °C")
print(f"the year explains {1 - share:.0%} of the variance")
hottest = anomaly.argmax().item()
year, month = series.year[hottest].item(), names[series.month[hottest].item() - 1]
print(f"largest anomaly: {anomaly[hottest].item():+.1f} °C in {month} {year}")
assert 0.5 < 1 - share < 0.9
assert year in (1983, 1997, 1998)

fig, (top, bottom) = plt.subplots(2, 1, figsize=(6.4, 8.0))
by_year = temperature.reshape(-1, 12).cpu()
for row in by_year:
    top.plot(range(12), row, color=GREY, linestyle="-", linewidth=0.6, alpha=0.45)
top.plot(range(12), normal.cpu(), color=BLUE, marker="o", label="mean of 1950–1979")
top.plot([], [], color=GREY, linestyle="-", linewidth=0.8, label="each year, 1950–2010")
top.set_xticks(range(0, 12, 2), names[::2])
top.set_title("A normal year swings by about 6 °C")
top.set_xlabel("month")
top.set_ylabel("sea surface temperature (°C)")
top.legend(loc="upper right")

time, values = series.time_years, anomaly.cpu()
bottom.fill_between(time, values.clamp(min=0), color=VERMILLION, linewidth=0)
bottom.fill_between(time, values.clamp(max=0), color=BLUE, linewidth=0, alpha=0.75)
bottom.axhline(0, color=TRUTH, linestyle="-", linewidth=0.8)
for when, height in ((1972.7, 3.3), (1983.0, 4.7), (1997.9, 4.7)):
    bottom.text(when, height, str(int(when - 0.4)), ha="center", va="bottom", fontsize=11)
bottom.set_ylim(-2.9, 5.4)
bottom.set_title("The rest comes in warm and cold spells;\nthe largest are called El Niño")
bottom.set_xlabel("year")
bottom.set_ylabel("anomaly (°C)")

# %%
# Change this and see
# -------------------
#
# - Take the climatology of all 61 years, ``climatology(temperature)``: the anomalies then add up to
#   zero, because the mean has looked into the future. Those of this figure do not.
# - Count the warm months of each year, ``(anomaly > 1).reshape(-1, 12).sum(dim=1)``: they lie in
#   few years.

plt.show()
