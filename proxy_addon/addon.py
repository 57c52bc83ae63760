"""The addon for stock mitmproxy: ``mitmdump -s proxy_addon/addon.py --set mingjing_data=DIR``.

``$MINGJING_DATA`` names the directory as well; ``./data`` is the default.
"""

import sys
from pathlib import Path

try:
    from proxy_addon.client.addon import ClientAddon
except (
    ModuleNotFoundError
):  # loaded by path, from a mitmproxy that has this project's packages but not itself
    sys.path.append(str(Path(__file__).resolve().parent.parent))
    from proxy_addon.client.addon import ClientAddon

addons = [ClientAddon()]
