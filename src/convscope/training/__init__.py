"""From a configuration and data to a run. Where to read on:

from what was asked to a run    start · plan, what was left open · preparation, what a fit needs
one fit                         fit · loop · step · state
around it                       fine_tuning/ pretrained networks · folding/ cross-validation
inside it                       pacing/ how long, what when, how it stops · updating/ rules and schedules
what is left of it              outcome/ weights kept, data, figures · telling and progress, for who watches
beside it                       learning_rate_finder, which takes the steps that training would take
"""
