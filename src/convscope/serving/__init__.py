"""The workbench in the browser, and the prediction API: one process on a folder of runs.

Start at `app.py`: what is between a request and its answer, and the list of routers. `workbench.py` is the
folder of runs: a request names a run by an id that the workbench made, and no other way leads from a request
to a file. `safety.py` decides who may ask and how much. `api/` answers programs, `pages/` people; pages are
rendered on the server from `templates/`, with the style and scripts of `static/`.
"""
