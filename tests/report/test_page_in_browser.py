"""The report in a browser: no error, no request, sorting, filtering, hover, themes, a phone's width, print."""

import json
import shutil
from pathlib import Path

import pytest
from builders.report import EVIL, write_records

from clearbench.common.languages import languages
from clearbench.records.select import load_results
from clearbench.report.build import make_report
from clearbench.report.options import ReportOptions
from clearbench.report.page import render

CHROMIUM, DRIVER = (shutil.which(name) or f"/usr/bin/{name}" for name in ("chromium", "chromedriver"))
pytestmark = pytest.mark.skipif(
    not (Path(CHROMIUM).exists() and Path(DRIVER).exists()),
    reason="no browser: apt-get install chromium chromium-driver",
)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--window-size=1280,900",
)  # fmt: skip
MODELS = (("alpha", "1"), ("beta", "2"), (EVIL, "3"))


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    out = write_records(tmp_path_factory.mktemp("out"), models=MODELS)
    return make_report(load_results(out), ReportOptions(baseline="alpha"))


@pytest.fixture(scope="module")
def page(report, tmp_path_factory):
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(render(report), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser, page):
    show(browser, page)
    return browser


def show(browser, page):
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    for log in ("browser", "performance"):
        browser.get_log(log)
    browser.get(page.as_uri())
    browser.execute_script("localStorage.clear()")


def requests(browser):
    messages = (json.loads(entry["message"])["message"] for entry in browser.get_log("performance"))
    return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]


def find(browser, selector):
    return browser.find_elements("css selector", selector)


def codes(headings):
    return [heading.code for heading in headings]


def scroll(browser, element, script):
    """Scrolling hides what hovering shows, and its event comes a frame later: wait for it."""
    settled = "requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(arguments[1], 50)))"
    browser.execute_async_script(f"{script}; {settled}", element)


def hover(browser, element):
    from selenium.webdriver import ActionChains

    scroll(browser, element, "arguments[0].scrollIntoView({block: 'center'})")
    ActionChains(browser).move_to_element(element).perform()
    return find(browser, "#tip")[0]


def test_it_opens_without_an_error_and_asks_nobody(opened, page):
    assert opened.get_log("browser") == []
    # chrome: is the browser's own first page, which may still be loading.
    asked = [url for url in requests(opened) if not url.startswith(("data:", "chrome:"))]
    assert asked == [page.as_uri()]
    assert opened.title == "Retrieval across languages"


def test_the_check_sees_requests_and_errors(browser, page, tmp_path):
    loud = tmp_path / "loud.html"
    loud.write_text("<script src='http://127.0.0.1:9/x.js'></script><script>throw Error('!')</script>")
    for log in ("browser", "performance"):
        browser.get_log(log)
    browser.get(loud.as_uri())
    assert "http://127.0.0.1:9/x.js" in requests(browser)
    assert len(browser.get_log("browser")) >= 2


def test_the_policy_stops_scripts_that_are_not_the_pages_own(browser, page, tmp_path):
    tampered = tmp_path / "tampered.html"
    text = page.read_text(encoding="utf-8").replace("<main>", "<main><script>document.title = 'taken'</script>")
    tampered.write_text(text, encoding="utf-8")
    browser.get(tampered.as_uri())
    assert browser.title == "Retrieval across languages"


def test_a_model_named_like_a_script_is_text(opened):
    assert EVIL in [cell.text for cell in find(opened, "#board td.sticky")]
    from selenium.common.exceptions import NoAlertPresentException

    with pytest.raises(NoAlertPresentException):
        _ = opened.switch_to.alert


def test_hover_shows_the_records_figure(opened, report):
    board = report.tasks[0].values[0]
    table = find(opened, 'table.matrix[data-matrix="task-1-value-1"]')[0]
    row, column = codes(board.rows).index("sw"), codes(board.columns).index("de")
    cell = table.find_elements("css selector", "tbody tr")[row].find_elements("css selector", "td")[column]
    tip = hover(opened, cell)
    assert f"nDCG@10 {board.value[row, column]:.2f}" in tip.text
    assert f"{board.fields['lower'][row, column]:.2f} to {board.fields['upper'][row, column]:.2f}" in tip.text
    assert "Swahili queries, German passages" in tip.text and board.title in tip.text
    difference = report.tasks[0].differences[0]
    table = find(opened, 'table.matrix[data-matrix="task-1-difference-1"]')[0]
    cell = table.find_elements("css selector", "tbody tr")[0].find_elements("css selector", "td")[1]
    text = hover(opened, cell).text.replace("−", "-")
    assert f"{difference.value[0, 1]:+.2f}" in text and "corrected p" in text
    hover(opened, find(opened, "h1")[0])
    assert not find(opened, "#tip")[0].is_displayed()


def test_a_tap_shows_what_hovering_shows(opened, report):
    from selenium.webdriver.common.actions.action_builder import ActionBuilder
    from selenium.webdriver.common.actions.pointer_input import PointerInput

    cell = find(opened, 'table.matrix[data-matrix="task-1-value-1"] tbody td')[0]
    hover(opened, cell)
    hover(opened, find(opened, "h1")[0])
    finger = ActionBuilder(opened, mouse=PointerInput("touch", "finger"))
    finger.pointer_action.move_to(cell).pointer_down().pointer_up()
    finger.perform()
    tip = find(opened, "#tip")[0]
    assert tip.is_displayed() and f"{report.tasks[0].values[0].value[0, 0]:.2f}" in tip.text


def test_sorting_orders_rows_by_figure_and_by_name(opened):
    def column(number):
        return [row.find_elements("css selector", "td")[number].text for row in find(opened, "#board tbody tr")]

    heads = find(opened, "#board thead tr:last-child th")
    mean = next(number for number, head in enumerate(heads) if head.text.startswith("mean"))
    button = heads[mean].find_element("css selector", "button")
    button.click()
    assert column(mean) == sorted(column(mean), key=float, reverse=True)
    assert heads[mean].get_attribute("aria-sort") == "descending"
    button.click()
    assert column(mean) == sorted(column(mean), key=float)
    assert heads[mean].get_attribute("aria-sort") == "ascending"
    heads[1].find_element("css selector", "button").click()
    assert column(1) == [EVIL, "alpha", "beta"]
    assert heads[mean].get_attribute("aria-sort") is None


def test_filtering_hides_other_rows(opened):
    box = find(opened, 'input[data-filter="board"]')[0]
    box.send_keys("BETA")
    assert [cell.text for cell in find(opened, "#board tbody .sticky") if cell.is_displayed()] == ["beta"]
    box.clear()
    box.send_keys("nothing has this")
    assert not any(row.is_displayed() for row in find(opened, "#board tbody tr"))


def background(browser):
    return browser.execute_script("return getComputedStyle(document.body).backgroundColor")


def test_the_theme_follows_the_system_and_the_button(opened, page):
    colours = {}
    for theme in ("light", "dark"):
        feature = {"name": "prefers-color-scheme", "value": theme}
        opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
        colours[theme] = background(opened)
    assert colours["light"] != colours["dark"]
    find(opened, "#theme")[0].click()
    assert background(opened) == colours["light"]
    opened.get(page.as_uri())
    assert background(opened) == colours["light"], "the choice is kept"
    opened.execute_script("localStorage.clear()")


def test_on_a_phone_the_page_does_not_scroll_sideways(opened):
    metrics = {"width": 375, "height": 800, "deviceScaleFactor": 2, "mobile": True}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    assert opened.execute_script("return document.documentElement.scrollWidth") <= 375
    wide = opened.execute_script(
        "return [...document.querySelectorAll('body *')].filter((e) => !e.closest('.scroll, .heat, .links') &&"
        " e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML.slice(0, 80))"
    )
    assert wide == []


def test_charts_are_laid_out_for_the_width_of_the_screen(opened):
    def shown():
        return [chart.get_attribute("class") for chart in find(opened, "svg.drawing") if chart.is_displayed()]

    assert shown() == ["drawing wide"]
    metrics = {"width": 375, "height": 800, "deviceScaleFactor": 2, "mobile": True}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    assert shown() == ["drawing narrow"]


def test_charts_take_the_colours_of_the_theme(opened):
    text, colours = find(opened, "svg.drawing text")[0], set()
    for theme in ("light", "dark"):
        opened.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": theme}]}
        )
        colours.add(opened.execute_script("return getComputedStyle(arguments[0]).fill", text))
    assert len(colours) == 2


def test_in_print_controls_are_gone_and_the_paper_is_white(opened):
    dark = {"name": "prefers-color-scheme", "value": "dark"}
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": [dark]})
    assert background(opened) == "rgb(255, 255, 255)"
    assert not any(element.is_displayed() for element in find(opened, "nav, .controls"))
    assert find(opened, "table.matrix")[0].is_displayed()


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    codes = [str(language) for language in languages()[:32]]
    out = write_records(tmp_path_factory.mktemp("large"), MODELS[:2], codes, size=2)
    report = make_report(load_results(out), ReportOptions(baseline="alpha"))
    file = tmp_path_factory.mktemp("page") / "large.html"
    file.write_text(render(report), encoding="utf-8")
    return report, file


def test_a_large_matrix_shows_the_right_figure_at_every_place(browser, large):
    report, file = large
    show(browser, file)
    assert browser.get_log("browser") == []
    known = {matrix.title: matrix for matrix in report.tasks[0].values}
    canvas = find(browser, "canvas")[0]
    scroll(browser, canvas, "arguments[0].scrollIntoView({block: 'start'}); scrollBy(0, -60)")
    places = browser.execute_script(
        "const h = heats[0]; return {rows: h.rows, columns: h.columns, title: h.matrix.title, ...geometry(h)}"
    )
    matrix = known[places["title"]]
    for row, column in ((0, 0), (3, 17), (31, 31)):
        point = [places["margin"] + (at + 0.5) * places["size"] for at in (column, row)]
        browser.execute_script(
            "const [canvas, x, y] = arguments, box = canvas.getBoundingClientRect();"
            "canvas.dispatchEvent(new PointerEvent('pointermove', {clientX: box.x + x, clientY: box.y + y}))",
            canvas,
            *point,
        )
        figure = matrix.value[places["rows"][row], places["columns"][column]]
        assert f"nDCG@10 {figure:.2f}" in find(browser, "#tip")[0].text
    assert matrix.rows[places["rows"][0]].code == "en"


def test_a_large_matrix_of_differences_can_show_the_significant_ones_only(browser, large):
    report, file = large
    show(browser, file)
    painted = (
        "const h = heats.find((one) => one.matrix.signed), data = h.canvas.getContext('2d')"
        ".getImageData(0, 0, h.canvas.width, h.canvas.height).data; let count = 0;"
        "for (let at = 3; at < data.length; at += 4) count += data[at] > 0; return count"
    )
    before = browser.execute_script(painted)
    find(browser, "input[data-heats=sure]")[0].click()
    after = browser.execute_script(painted)
    [matrix] = report.tasks[0].differences
    assert sum(matrix.is_marked(row, column) for row in range(32) for column in range(32)) < 32 * 32
    assert after < before


def test_a_large_matrix_can_be_ordered_and_enlarged(browser, large):
    from selenium.webdriver.support.select import Select

    report, file = large
    show(browser, file)
    Select(find(browser, "select[data-heats=order]")[0]).select_by_value("code")
    order = browser.execute_script("return heats[0].rows.map((row) => heats[0].matrix.rows[row].code)")
    assert order == ["en", *sorted(code for code in codes(report.tasks[0].values[0].rows) if code != "en")]
    before = find(browser, "canvas")[0].size["width"]
    Select(find(browser, "select[data-heats=size]")[0]).select_by_value("14")
    assert find(browser, "canvas")[0].size["width"] == 44 + 32 * 14 != before
    assert browser.execute_script("return document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("order", ["family", "script"])
def test_a_large_matrix_can_be_grouped(browser, large, order):
    from selenium.webdriver.support.select import Select

    report, file = large
    show(browser, file)
    Select(find(browser, "select[data-heats=order]")[0]).select_by_value(order)
    places, bounds = browser.execute_script("return [heats[0].rows, heats[0].bounds.rows]")
    first, *others = (report.tasks[0].values[0].rows[place] for place in places)
    assert first.code == "en"
    groups = [getattr(heading, order) for heading in others]
    assert groups == sorted(groups, key=lambda group: group or "\uffff")
    changes = [at for at in range(1, len(groups)) if groups[at] != groups[at - 1]]
    assert bounds == [1, *(at + 1 for at in changes)]


def test_languages_are_found_in_a_large_matrix(browser, large):
    _, file = large
    show(browser, file)
    faint = (
        "const { canvas } = heats[0], { margin, size } = geometry(heats[0]), ratio = canvas.width / canvas.clientWidth;"
        "const alpha = (row, column) => canvas.getContext('2d').getImageData("
        "...[column, row].map((at) => Math.round((margin + (at + 0.5) * size) * ratio)), 1, 1).data[3];"
        "const name = heats[0].matrix.rows.findIndex((heading) => heading.name === 'Bengali');"
        "const row = heats[0].rows.indexOf(name), column = heats[0].columns.indexOf(name);"
        "const [other, another] = [row > 5 ? 2 : 9, column > 5 ? 2 : 9];"
        "return [alpha(row, another), alpha(other, another), alpha(other, column)].map((value) => value < 255)"
    )
    assert browser.execute_script(faint) == [False, False, False]
    find(browser, "input[data-heats=words]")[0].send_keys("bengali")
    assert browser.execute_script(faint) == [False, True, False]


def test_languages_are_ranked_beside_a_large_matrix(browser, large):
    report, file = large
    show(browser, file)
    table = find(browser, "#task-1-languages")[0]
    scroll(browser, table, "arguments[0].closest('details').open = true; arguments[0].scrollIntoView()")
    names = [row.text for row in table.find_elements("css selector", "tbody td:first-child")]
    assert names == [language.heading.label for language in report.tasks[0].ranking] and len(names) == 32
    table.find_element("css selector", "th:nth-child(3) button").click()
    families = [cell.text for cell in table.find_elements("css selector", "tbody td:nth-child(3)")]
    assert families == sorted(families)
    find(browser, "input[data-filter=task-1-languages]")[0].send_keys("slavic")
    assert {row.text.split()[0] for row in table.find_elements("css selector", "tbody tr") if row.is_displayed()} == {
        "Bulgarian",
        "Czech",
    }
