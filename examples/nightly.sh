#!/bin/sh
# For operators: check the installation every night, and back it up. Both end with a status other than
# 0 if something is wrong, so cron sends a mail.
#
#     examples/nightly.sh /backups
set -eu

folder=${1:?expected a folder for the backups}
alsosee doctor
alsosee backup "$folder"
# Thirty days of backups are kept.
find "$folder" -name 'alsosee-*.jsonl.zst' -mtime +30 -delete
