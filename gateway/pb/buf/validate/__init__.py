"""Generated from proto/ by gateway.generate; do not edit."""
