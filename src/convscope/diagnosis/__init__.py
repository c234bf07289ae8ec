"""Rules: functions of what was measured, each giving findings. A finding concludes, with evidence and advice."""
