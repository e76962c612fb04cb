"""NIfTI, NRRD and MetaImage: grids of voxels brought to slices, rows, columns and 16 bits."""
