"""
Who saw the El Niño of 1997 coming?
===================================

Forecasters draw a *plume*: from each starting month, the forecasts of several models, over what
came to pass. It shows in one look what an average error hides: when a model is right, and when it
only follows.
"""

import matplotlib.pyplot as plt
import torch

from handbook.datasets import load_el_nino
from handbook.device import get_device
from handbook.forecasting import anomalies, climatology, error_by_lead, forecast_windows
from handbook.plots import BLUE, GREY, STYLE, TRUTH, VERMILLION
from handbook.seeding import make_generator
from handbook.sequence_models import SeriesForecaster, train_forecaster

plt.style.use(STYLE)
device = get_device()
N_PAST, N_AHEAD = 12, 9
VALIDATION, TEST = 30 * 12, 40 * 12  # 1950-79 to learn, 1980-89 to choose
series = load_el_nino()
temperature = series.temperature_celsius.to(device)
normal = climatology(temperature[:VALIDATION])
anomaly = anomalies(temperature, normal)
scale = anomaly[:VALIDATION].std().item()

# %%
# Three networks
# --------------
#
# Each reads twelve months of anomalies and forecasts nine. None has seen a year after 1989.

training = forecast_windows(anomaly, N_PAST, N_AHEAD, end=VALIDATION)
validation = forecast_windows(anomaly, N_PAST, N_AHEAD, start=VALIDATION, end=TEST)
nets = []
for seed in range(3):
    net = SeriesForecaster(16, scale, generator=make_generator(seed)).to(device)
    train_forecaster(net, training, validation)
    nets.append(net)

# %%
# Two kinds of starting month
# ---------------------------
#
# Start in January 1997, before anything had happened; then every three months.

test = forecast_windows(anomaly, N_PAST, N_AHEAD, start=TEST)
first = (1997 - 1950) * 12  # January 1997
origins = torch.arange(first, first + 18, 3, device=device)
past, future = test.past[origins - TEST], test.future[origins - TEST]
with torch.no_grad():
    plumes = torch.stack([net(past, origins, N_AHEAD) for net in nets])  # (3, 6, 9)

mean = plumes.mean(dim=0)
print("start      peak forecast   peak that came (°C above normal)")
for origin, forecast, truth in zip(origins.tolist(), mean, future, strict=True):
    when = f"{series.year[origin].item()}-{series.month[origin].item():02d}"
    print(f"{when}        {forecast.max().item():4.1f}            {truth.max().item():4.1f}")

# %%
# In January 1997 the networks found nothing in the twelve months before that told of what was
# coming, and forecast a normal year. Once the sea was warm, they forecast that it would cool down,
# from wherever it stood. They *follow*: their forecast is today's anomaly, faded.

assert mean[0].max() < 0.7
assert future[0].max() > 3.5
everywhere = torch.stack([net(test.past, test.origin, N_AHEAD).detach() for net in nets])
today = test.past[:, -1]
agreement = torch.corrcoef(torch.stack([everywhere.mean(dim=0)[:, 2], today]))[0, 1].item()
print(f"forecast at lead 3 and today's anomaly: correlation {agreement:.1f}")
assert agreement > 0.95
error = error_by_lead(everywhere.mean(dim=0), test.future)
print(
    f"error over 1990-2010: {error[0].item():.1f} °C at lead 1, {error[5].item():.1f} °C at lead 6"
)

fig, ax = plt.subplots(figsize=(6.4, 4.8))
shown = slice(first - 9, first + 27)
time = series.time_years
ax.axhline(0, color=GREY, linestyle="-", linewidth=0.8)
ax.plot(
    time[shown], anomaly[shown].cpu(), color=TRUTH, linestyle="-", linewidth=3, label="measured"
)
for start, runs in zip(origins.tolist(), plumes.transpose(0, 1).cpu(), strict=True):
    months = time[start - 1 : start + N_AHEAD]
    for k, run in enumerate(runs):
        path = torch.cat([anomaly[start - 1 : start].cpu(), run])
        label = "3 networks, from each start" if start == first and k == 0 else None
        ax.plot(months, path, color=BLUE, linestyle="--", linewidth=1.2, label=label)
starts = origins.cpu() - 1
label = "last month known"
ax.plot(time[starts], anomaly.cpu()[starts], "o", color=VERMILLION, markersize=7, label=label)
halves = [1996.5, 1997.0, 1997.5, 1998.0, 1998.5, 1999.0]
ax.set_xticks(halves, ["Jul 96", "Jan 97", "Jul 97", "Jan 98", "Jul 98", "Jan 99"])
ax.set_ylim(-1.8, 6.4)
ax.set_title(
    "Every forecast leads back to normal:\nthe networks follow El Niño, they do not see it"
)
ax.set_xlabel("month and year")
ax.set_ylabel("anomaly (°C)")
ax.legend(loc="upper left")

# %%
# Change this and see
# -------------------
#
# - Set ``first = (1991 - 1950) * 12``, and drop the two asserts on that start: a smaller El Niño.
#   From there too, every forecast leads back toward normal.
# - Draw ``temperature`` and add ``normal`` to the forecasts: in degrees of the sea the forecasts
#   look far better, because the year is right in all of them.

plt.show()
