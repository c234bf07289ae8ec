"""The rules of a diagnosis, a file a question: functions of measured values that give a `Verdict`."""
