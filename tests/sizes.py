"""Options that make bundled scenarios small."""

SIZES = {
    "voronoi": "hidden=24,grid=8",
    "matrix-sensing": "d=16",
    "matrix-recovery": "M=6",
    "icon": "data=shapes,width=4",
    "imbalance": "classes=40,samples=80",
    "gradient-noise": "data=shapes,rows=32",
    "grokking": "p=5,width=8",
    "exponential-rate": "data=shapes,width=8",
    "initialisation": "layers=4,width=8,data=shapes",
    "landscape": "data=shapes,width=4,batch=16",
}
"""Smaller than the default, for speed; a scenario that is not named trains as it is."""

COMPILED = [
    "matrix-sensing:d=16,norm=layer",
    "matrix-sensing:d=16,task=classification,smoothing=0.1",
    "voronoi:model=mlp,width=8,depth=2,norm=hidden,grid=8",
    "voronoi:compartments=true,hidden=24,grid=8",
]
"""Options under which a scenario computes something else."""

VARIANTS = [
    *COMPILED,
    "matrix-sensing:d=16,norm=batch,batch=4",
    "matrix-sensing:d=16,model=cnn,depth=3,batch=4,norm=none",
    "matrix-recovery:family=low-rank,V=3,long=8",
    "deep-linear:depth=1",
]
"""The same, and others that compile as their scenario does."""
