"""Long lists as files. `lists` says what is in each; `writing` is what a worker does about them."""
