"""Times beside a named alternative's, taken in the same rounds."""

import statistics


def against(
    times: dict[str, list[float]], yardstick: str, decimals: int
) -> dict[str, dict[str, float]]:
    """Median seconds of each, and the median over rounds of its ratio to the yardstick."""
    return {
        name: {
            "seconds": round(statistics.median(values), 3),
            "ratio": round(
                statistics.median(v / y for v, y in zip(values, times[yardstick], strict=True)),
                decimals,
            ),
        }
        for name, values in times.items()
    }
