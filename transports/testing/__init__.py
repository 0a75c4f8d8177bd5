"""For tests of transports and applications: memory transports, a fake server, the conformance kit."""
