"""Models: one file each with a function `build`. `construction` builds any of them and users' own."""
