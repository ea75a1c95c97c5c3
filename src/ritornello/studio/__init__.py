"""The studio: a page on this machine to compose by looking and listening, and its HTTP API.

serve_studio      opens it: library, port, server, browser
open_studio       a library and all that works on it
http_api          the application: routes, errors
request_guard     who may ask
library_routes    songs, versions, files in and out
job_routes        jobs and their events
rating_routes     pairs to be rated, tests of real or machine
model_routes      what there is, and what a model knows
answers           the shapes of what the routes answer
page_routes       the page, and the SoundFont it plays with
first_piece       what is ready on the first visit
library_folder    the folder of a library, open for one studio at a time
database          the tables, and how older ones become so
song_library      songs as trees of versions that never change
recording_library recordings as they were given
rating_library    pairs and what was answered
blind_tests       real or machine: answers and what they say
piece_json        pieces as JSON and back
upload_files      files that are dropped on the page
export_files      pieces as files to take away
job_requests      what may be asked for as a job
job_kinds         what each kind of job does with its answer
job_queue         jobs that survive the end of the studio
event_log         events that connections follow
helper_process    processes that do the work
helper_pool       some of them, for questions that are answered at once
helper_calls      the life of such a process, and what it can be asked
composing_calls   music
file_calls        files read and written
recording_calls   recordings
rating_calls      pairs, tests, and models that learn from ratings
learning_calls    models

Its page is made in `web/`; the files that are built from it are in `assets/`.
"""

# What published systems and experiments may import; the rest is inside.
__all__ = ["serve_studio"]
