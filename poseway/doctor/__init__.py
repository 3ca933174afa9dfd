"""Checks whether this machine has what Poseway needs, with advice for what is missing."""

from poseway.doctor.finding import Finding, State
from poseway.doctor.gateway import examine_gateway
from poseway.doctor.machine import examine_machine
from poseway.doctor.software import examine_software

__all__ = ["Finding", "State", "examine_gateway", "examine_machine", "examine_software"]
