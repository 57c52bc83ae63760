"""The demo: sites with good and bad certificates, so that every verdict can be seen."""
