"""Expands schedules with python-dateutil and zoneinfo: reads cases as JSON from a file, and writes starts and ends in UTC.

dateutil deviates from RFC 5545 in three places, for which this program compensates. (A fourth is never tested: BYDAY with and without
numbers in one rule.)
- With BYWEEKNO and without BYDAY it includes all seven days, where the RFC takes the missing weekday from DTSTART.
- It counts the weeks of calendar years instead of the years that weeks belong to, and gets the last week of the previous year wrong.
  This program counts weeks day by day instead, and compares the results where dateutil is known to be right.
- It counts BYSETPOS in the first week from DTSTART on, not in the whole week. This program lets it begin with the whole week.
"""
import datetime as clock
import json
import sys
from datetime import datetime, timedelta, timezone
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

# The year in which dateutil gives up its search for days that a rule never has.
clock.MAXYEAR = 2040

DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
LOCAL_FORMAT = "%Y-%m-%dT%H:%M:%S"


def week(day, week_start):
    """The year that a day's week belongs to, the number of the week in it, and the number of its weeks."""
    def middle(one):
        return one - timedelta(days=(one.weekday() - week_start) % 7) + timedelta(days=3)

    at = middle(day)
    last = middle(at.replace(month=12, day=28))
    found = at.year, (at.timetuple().tm_yday - 1) // 7 + 1, (last.timetuple().tm_yday - 1) // 7 + 1
    if week_start == 0:
        assert found[:2] == day.isocalendar()[:2], day
    return found


def numbers(parts, name):
    return [int(one) for one in parts[name].split(",")] if name in parts else []


def by_weeks(start, parts, until):
    """The starts of a rule with BYWEEKNO, day by day."""
    week_start = DAYS.index(parts.get("WKST", "MO"))
    weeks, months, positions = (numbers(parts, name) for name in ("BYWEEKNO", "BYMONTH", "BYSETPOS"))
    weekdays = [DAYS.index(day) for day in parts.get("BYDAY", DAYS[start.weekday()]).split(",")]
    years = {}
    day = start - timedelta(days=400)
    # The loop covers the whole first and last year, because positions are counted in whole years.
    while day < until + timedelta(days=400):
        year, number, count = week(day, week_start)
        if (number in weeks or number - count - 1 in weeks) and day.weekday() in weekdays and (not months or day.month in months):
            years.setdefault(year, []).append(day)
        day += timedelta(days=1)
    first = week(start, week_start)[0]
    for year in sorted(years):
        chosen = years[year]
        if positions:
            chosen = [day for place, day in enumerate(chosen, 1) if place in positions or place - len(chosen) - 1 in positions]
        if (year - first) % int(parts.get("INTERVAL", 1)) == 0:
            yield from (day for day in chosen if start <= day < until)


def starts(start, rule, until):
    parts = dict(part.split("=") for part in rule.split(";"))
    text = ";".join(f"{name}={value}" for name, value in parts.items() if name != "COUNT")
    if "BYWEEKNO" in parts:
        found = list(by_weeks(start, parts, until))
        simple = "INTERVAL" not in parts and "BYSETPOS" not in parts and "BYDAY" in parts
        if simple and all(2 <= abs(number) <= 51 for number in numbers(parts, "BYWEEKNO")):
            by_dateutil = list(takewhile(lambda time: time < until, rrulestr(text, dtstart=start)))
            assert found == by_dateutil, (rule, start, found[:9], by_dateutil[:9])
        yield from islice(found, int(parts.get("COUNT", 10**6)))
        return
    first = start
    if parts["FREQ"] == "WEEKLY" and "BYSETPOS" in parts:
        if "BYDAY" not in parts:
            text += f";BYDAY={DAYS[start.weekday()]}"
        first -= timedelta(days=(start.weekday() - DAYS.index(parts.get("WKST", "MO"))) % 7)
    series = (time for time in rrulestr(text, dtstart=first) if time >= start)
    yield from islice(takewhile(lambda time: time < until, series), int(parts.get("COUNT", 10**6)))


def lessons(case):
    zone, start, end = ZoneInfo(case["time_zone"]), *(datetime.strptime(case[name], LOCAL_FORMAT) for name in ("start", "end"))
    until = datetime.strptime(case["until"], LOCAL_FORMAT)

    def instant(local):
        return local.replace(tzinfo=zone, fold=0).astimezone(timezone.utc)

    found = []
    for local in islice(starts(start, case["rule"], until), case["most"]):
        begun, ended = instant(local), instant(local + (end - start))
        if ended <= begun:
            ended = begun + (end - start)
        found.append([begun.strftime(LOCAL_FORMAT + "Z"), ended.strftime(LOCAL_FORMAT + "Z")])
    return found


with open(sys.argv[1], encoding="utf-8") as file:
    json.dump([lessons(case) for case in json.load(file)], sys.stdout)
