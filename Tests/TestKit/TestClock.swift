// Tests of servers move the clock too.
@_exported import TestClock
