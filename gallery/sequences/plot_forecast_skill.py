"""
Does a network beat "same as last time"?
========================================

A forecast of the sea's temperature costs nothing if you say "as it is now", "as it was a year ago"
or "as it normally is". A network has to be better than each of these, at every lead time. Is it?
"""

import matplotlib.pyplot as plt
import torch

from handbook.datasets import load_el_nino
from handbook.device import get_device
from handbook.forecasting import (
    anomalies,
    climatology,
    climatology_forecast,
    damped_persistence_forecast,
    error_by_lead,
    forecast_windows,
    lag_coefficient,
    persistence_forecast,
    seasonal_naive_forecast,
    skill_score,
)
from handbook.plots import BLUE, GREEN, GREY, OCHRE, PURPLE, STYLE, VERMILLION
from handbook.seeding import make_generator
from handbook.sequence_models import SeriesForecaster, train_forecaster

plt.style.use(STYLE)
device = get_device()
N_PAST, N_AHEAD = 12, 12
VALIDATION, TEST = 30 * 12, 40 * 12  # 1950-79 to learn, 1980-89 to choose, 1990-2010 to test
temperature = load_el_nino().temperature_celsius.to(device)

# %%
# Five rules that need no network
# -------------------------------
#
# All are tested on the same windows: twelve months known, twelve to forecast, and these in 1990
# to 2010. The climatology and the damping come from 1950 to 1979. "Same anomaly" and "fading
# anomaly" forecast how far the sea is from normal, and add what is normal for the month.

normal = climatology(temperature[:VALIDATION])
anomaly = anomalies(temperature, normal)
test = forecast_windows(temperature, N_PAST, N_AHEAD, start=TEST)
test_anomaly = forecast_windows(anomaly, N_PAST, N_AHEAD, start=TEST)
seasonal = climatology_forecast(normal, test.origin, N_AHEAD)
damping = lag_coefficient(anomaly[:VALIDATION]).item()
forecasts = {
    "same as last time": persistence_forecast(test.past, N_AHEAD),
    "same as last year": seasonal_naive_forecast(test.past, N_AHEAD),
    "climatology": seasonal,
    "same anomaly": seasonal + persistence_forecast(test_anomaly.past, N_AHEAD),
    "fading anomaly": seasonal + damped_persistence_forecast(test_anomaly.past, N_AHEAD, damping),
}
errors = {name: error_by_lead(made, test.future) for name, made in forecasts.items()}
print(f"{len(test.origin)} forecasts; an anomaly keeps {damping:.2f} of itself each month")
print("error (°C) at lead:   1     3     6     9    12 months")
for name, error in errors.items():
    print(f"{name:<18}", *(f"{error[lead - 1].item():5.2f}" for lead in (1, 3, 6, 9, 12)))

# %%
# The network
# -----------
#
# A GRU with 16 hidden units reads the anomalies of twelve months and the time of the year, says how
# the anomaly changes in the next month, and goes on from its own forecast. It is trained on 1950 to
# 1979, stopped where 1980 to 1989 were forecast best, and drawn five times, since its start is
# random.

training = forecast_windows(anomaly, N_PAST, N_AHEAD, end=VALIDATION)
validation = forecast_windows(anomaly, N_PAST, N_AHEAD, start=VALIDATION, end=TEST)
scale = anomaly[:VALIDATION].std().item()
nets, skills = [], []
for seed in range(5):
    net = SeriesForecaster(16, scale, generator=make_generator(seed)).to(device)
    train_forecaster(net, training, validation, n_epochs=14)
    with torch.no_grad():
        made = seasonal + net(test_anomaly.past, test_anomaly.origin, N_AHEAD)
    nets.append(error_by_lead(made, test.future))
    skills.append(skill_score(made, test.future, seasonal))
nets, skills = torch.stack(nets), torch.stack(skills)  # (5, 12)
mean = nets.mean(dim=0)
print("network, mean     ", *(f"{mean[lead - 1].item():5.2f}" for lead in (1, 3, 6, 9, 12)))
spread = nets.amax(dim=0) - nets.amin(dim=0)
assert spread.max() < 0.1
print("the five seeds lie less than 0.1 °C apart at every lead")

# %%
# All five networks beat "same as last time" and "same as last year" at every lead. They beat the
# climatology clearly for half a year; at a year, hardly anything is left. The rule of one number,
# the fading anomaly, comes within a few hundredths of a degree of them.

for name in ("same as last time", "same as last year", "same anomaly"):
    assert (nets < errors[name]).all()
assert (skills[:, :6] > 0.1).all()
assert (skills[:, -1].abs() < 0.15).all()
gain = (1 - mean / errors["fading anomaly"])[:6]
assert (gain > 0).all()
assert (gain < 0.05).all()
print("better than the fading anomaly by less than 5 % at each of the first six leads")

leads = torch.arange(1, N_AHEAD + 1)
looks = {
    "same as last time": (GREY, (0, (8, 3)), "v"),
    "same as last year": (OCHRE, "-.", "s"),
    "climatology": (GREEN, ":", "D"),
    "same anomaly": (PURPLE, "--", "^"),
    "fading anomaly": (VERMILLION, (0, (5, 1, 1, 1)), "P"),
}
fig, (top, bottom) = plt.subplots(2, 1, figsize=(6.4, 9.2))
for name, (color, linestyle, marker) in looks.items():
    line = {"color": color, "linestyle": linestyle, "marker": marker, "markersize": 4}
    top.plot(leads, errors[name].cpu(), label=name, **line)
    score = skill_score(forecasts[name], test.future, seasonal)
    if name not in ("same as last time", "climatology"):
        bottom.plot(leads, score.cpu(), **line)
top.plot(leads, mean.cpu(), color=BLUE, linestyle="-", marker="o", label="network, 5 seeds")
top.fill_between(leads, nets.amin(0).cpu(), nets.amax(0).cpu(), color=BLUE, alpha=0.25, linewidth=0)
top.set_ylim(0, 5.9)
top.set_xticks(range(1, 13))
top.set_title("The network beats last month and last year\nat every lead")
top.set_xlabel("lead time (months)")
top.set_ylabel("root mean squared error (°C)")
top.legend(loc="upper left", ncols=2, fontsize=10)

bottom.plot(leads, skills.mean(dim=0).cpu(), color=BLUE, linestyle="-", marker="o")
low, high = skills.amin(0).cpu(), skills.amax(0).cpu()
bottom.fill_between(leads, low, high, color=BLUE, alpha=0.25, linewidth=0)
bottom.axhline(0, color=GREEN, linestyle=":")
bottom.text(1, 0.03, "climatology", color=GREEN, ha="left", va="bottom")
bottom.set_ylim(-0.8, 1.0)
bottom.set_xticks(range(1, 13))
bottom.set_title("Its skill over the normal year fades\nas that of a fading anomaly does")
bottom.set_xlabel("lead time (months)")
bottom.set_ylabel("skill score (1 = perfect)")

# %%
# Change this and see
# -------------------
#
# - Train longer and choose the weights by the years of training: ``n_epochs=120``, and
#   ``training`` in the place of ``validation``. At nine months and at twelve the networks are then
#   worse than the climatology.
# - Set ``N_PAST = 24``: the networks become no better. What the sea remembers is in its last
#   months.
# - Choose by the test itself: pass ``test_anomaly`` in the place of ``validation``. The error can
#   only become smaller, and it no longer says anything about years to come.

plt.show()
