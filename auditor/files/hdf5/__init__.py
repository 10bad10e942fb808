"""HDF5 files looked at before anything is read from them; h5py is handed in by who imports it."""
