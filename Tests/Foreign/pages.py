"""What holds for the page of every example that has one to look at: narrow and wide, light and dark, named controls."""

from contextlib import contextmanager

NARROW, WIDE = 320, 1280


@contextmanager
def seen_at(browser, width, scheme):
    """The page at this width and in this colour scheme."""
    metrics = {"width": width, "height": 640, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    yield
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


# What is wider than the window; what is written in a colour that hardly differs from what lies behind it (WCAG 2: 4.5).
FAULTS = """
const faults = []
const width = document.documentElement.clientWidth
const isShown = element => element.checkVisibility() && element.getBoundingClientRect().width > 0
const numbers = color => color.match(/[\\d.]+/g).map(Number)
const light = ([r, g, b]) => [.2126 * r, .7152 * g, .0722 * b].reduce((sum, part, index, all) => sum + part, 0)
const linear = value => (value /= 255) <= .04045 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4
const ground = numbers(getComputedStyle(document.body).backgroundColor).slice(0, 3)
for (const element of document.body.querySelectorAll("*")) {
  if (!isShown(element)) continue
  const { left, right } = element.getBoundingClientRect()
  if (left < 0 || right > width + .5) faults.push(`<${element.localName} id=${element.id}> is cut off`)
  const text = [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim())
  if (!text || element.disabled) continue
  let alpha = 1
  for (let each = element; each; each = each.parentElement) alpha *= getComputedStyle(each).opacity
  const ink = numbers(getComputedStyle(element).color).slice(0, 3)
    .map((value, index) => alpha * value + (1 - alpha) * ground[index])
  const [dark, bright] = [ink, ground].map(color => light(color.map(linear))).sort((one, other) => one - other)
  const contrast = (bright + .05) / (dark + .05)
  if (contrast < 4.5) faults.push(`<${element.localName} id=${element.id}> has a contrast of ${contrast.toFixed(1)}`)
}
if (document.documentElement.scrollWidth > width) faults.push("the page scrolls sideways")
return faults
"""


def faults_of(browser):
    """What a visitor would stumble over."""
    faults = []
    for scheme in ("light", "dark"):
        for width in (NARROW, WIDE):
            with seen_at(browser, width, scheme):
                faults += [f"{fault}, {scheme}, at {width} px" for fault in browser.execute_script(FAULTS)]
    for control in browser.find_elements("css selector", "input:not([type=hidden]), button, progress, [role=img]"):
        if control.is_displayed() and not control.accessible_name:
            faults.append(f"no name: {control.get_attribute('outerHTML')[:80]}")
    origin = browser.execute_script("return origin")
    loaded = browser.execute_script("return performance.getEntriesByType('resource').map(each => each.name)")
    return faults + [f"from elsewhere: {url}" for url in loaded if not url.startswith(origin)]
