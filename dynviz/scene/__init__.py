"""Pictures as numbers, and all that both backends compute from them: colours, ticks, places, decimation."""
