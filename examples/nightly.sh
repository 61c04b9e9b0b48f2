#!/bin/sh
# For operators: back the installation up every night, and check it. It ends with a status other than 0
# if something is wrong, so cron sends a mail.
#
#     examples/nightly.sh /backups
set -eu

folder=${1:?expected a folder for the backups}
# First the backup, which is needed most when the check finds something.
alsosee backup "$folder"
# Thirty days of backups are kept.
find "$folder" -name 'alsosee-*.jsonl.zst' -mtime +30 -delete
alsosee doctor
