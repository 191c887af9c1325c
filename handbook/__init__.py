"""One canonical, from-scratch implementation of every concept of deep learning's fundamentals.

Modules are imported where they are used: ``from handbook.activations import relu``. Importing the
package itself loads none of them, so that ``import handbook`` costs no more than ``import torch``.
"""

__version__ = "0.1.0"
