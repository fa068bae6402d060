"""What browsers and scripts see: page, JSON, event stream, probes and metrics."""
