"""Numbers as text: percent, hertz, clock."""


def clock(seconds: float) -> str:
    """0.2 s · 12.3 s · 4:05 min · 3:00:00 h"""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return (
        f"{minutes}:{rest:02d} min"
        if minutes < 60
        else f"{minutes // 60}:{minutes % 60:02d}:{rest:02d} h"
    )


def percent(probability: float) -> str:
    """45 %, "under 1 %", never a rounded 0 or 100 that is not meant."""
    if 0 < probability < 0.01:
        return "under 1 %"
    if 0.99 < probability < 1:
        return "over 99 %"
    return f"{100 * probability:.0f} %"


def hertz(value: float) -> str:
    """440 Hz, 1.9 kHz."""
    return f"{value:.0f} Hz" if value < 1000 else f"{value / 1000:.1f} kHz"
