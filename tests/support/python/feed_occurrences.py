"""Prints the occurrences of a calendar's classes as one of two independent parsers reads them.

    feed_occurrences.py READER FILE FROM UNTIL

READER is `icalendar` (icalendar with recurring-ical-events) or `dateutil` (python-dateutil, which is given the lines of each
event and its zone). FROM and UNTIL are instants like 2026-03-01T00:00:00Z; an occurrence is printed when it overlaps them, as
class, start and end in UTC. Events that are cancelled as a whole are not.

The time zones of the calendar are renamed first, so that a parser has to use the calendar's definitions instead of its own.
"""

import re
import sys
from datetime import datetime, timezone
from io import StringIO

import icalendar
import recurring_ical_events
from dateutil import rrule, tz


def instant(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def utc(time):
    return time.astimezone(timezone.utc)


def by_icalendar(text, begin, end):
    calendar = icalendar.Calendar.from_ical(text)
    if calendar.errors:
        raise SystemExit(f"the calendar has errors: {calendar.errors}")
    for event in recurring_ical_events.of(calendar).between(begin, end):
        if str(event.get("STATUS", "")) != "CANCELLED":
            yield str(event["UID"]), utc(event["DTSTART"].dt), utc(event["DTEND"].dt)


def by_dateutil(text, begin, end):
    unfolded = text.replace("\r\n ", "")
    zones = tz.tzical(StringIO("\n".join(blocks(unfolded, "VTIMEZONE"))))

    def time(line):
        name, value = line.split(":", 1)
        zone = re.search(r"TZID=([^;:]+)", name)
        if zone:
            return datetime.strptime(value, "%Y%m%dT%H%M%S").replace(tzinfo=zones.get(zone[1]))
        return datetime.strptime(value, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)

    events = []
    for block in blocks(unfolded, "VEVENT"):
        lines = block.splitlines()

        def all_of(name, lines=lines):
            return [line for line in lines if re.match(rf"{name}[;:]", line)]

        def one(name, all_of=all_of):
            return next(iter(all_of(name)), None)

        events.append((one("UID").split(":", 1)[1], all_of, one))

    overridden = set()
    for uid, _, one in events:
        if one("RECURRENCE-ID"):
            overridden.add((uid, utc(time(one("RECURRENCE-ID")))))

    for uid, all_of, one in events:
        if one("STATUS") == "STATUS:CANCELLED":
            continue
        start, length = time(one("DTSTART")), utc(time(one("DTEND"))) - utc(time(one("DTSTART")))
        if one("RECURRENCE-ID"):
            starts = [start]
        else:
            series = rrule.rruleset()
            if one("RRULE"):
                series.rrule(rrule.rrulestr(one("RRULE"), dtstart=start))
            else:
                series.rdate(start)
            for line in all_of("RDATE"):
                series.rdate(time(line))
            for line in all_of("EXDATE"):
                series.exdate(time(line))
            # Occurrences are compared in local time, which is ambiguous when clocks go back.
            starts = [
                found
                for found in series.between(begin - length, end, inc=True)
                if (uid, utc(found)) not in overridden
            ]
        for found in starts:
            if utc(found) < end and utc(found) + length > begin:
                yield uid, utc(found), utc(found) + length


def blocks(text, kind):
    return re.findall(rf"^BEGIN:{kind}\r?\n.*?^END:{kind}\r?$", text, re.DOTALL | re.MULTILINE)


def main():
    reader, path, begin, end = sys.argv[1:]
    with open(path, encoding="utf-8", newline="") as file:
        text = file.read()
    text = re.sub(r"TZID([=:])", r"TZID\1Of-This-Calendar-", text)
    read = {"icalendar": by_icalendar, "dateutil": by_dateutil}[reader]
    for uid, start, stop in sorted(read(text, instant(begin), instant(end))):
        print(uid, start.strftime("%Y-%m-%dT%H:%M:%SZ"), stop.strftime("%Y-%m-%dT%H:%M:%SZ"))


main()
