"""Recordings as tables and labelled arrays, for other programs: data frames, CSV, Parquet, xarray and NetCDF."""
