"""Pictures as numbers, and all that the backends compute from them: colours, ticks, places, decimation."""
