"""What /proc and /sys of a Jetson tell of the device."""

from edgeprofiler.measurement.collect.device_state import device_state, machine_facts


def put(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


JETSON = {
    "proc/device-tree/model": "NVIDIA Jetson Orin Nano Developer Kit\0",
    "etc/nv_tegra_release": "# R36 (release), REVISION: 3.0, GCID: 36923193, BOARD: generic\n",
    "proc/sys/kernel/osrelease": "5.15.136-tegra\n",
    "proc/cpuinfo": "processor : 0\nmodel name\t: ARMv8 Processor rev 1 (v8l)\n",
    "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
    "sys/class/thermal/thermal_zone0/temp": "48250\n",
    "sys/class/thermal/cooling_device0/type": "pwm-fan\n",
    "sys/class/thermal/cooling_device0/cur_state": "3\n",
    "sys/class/thermal/cooling_device1/type": "gpu-throttle-alert\n",
    "sys/class/thermal/cooling_device1/cur_state": "0\n",
    "sys/class/devfreq/17000000.ga10b/cur_freq": "624750000\n",
    "sys/class/devfreq/17000000.ga10b/min_freq": "624750000\n",
    "sys/class/devfreq/17000000.ga10b/max_freq": "624750000\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "1510400\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_min_freq": "729600\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq": "1510400\n",
    "sys/kernel/debug/bpmp/debug/clk/emc/rate": "2133000000\n",
    "sys/class/hwmon/hwmon2/oc1_event_cnt": "0\n",
}


def test_board_release_and_mode_of_a_jetson(tmp_path):
    put(tmp_path, JETSON)
    facts = machine_facts(tmp_path, lambda: "NV Power Mode: 15W\n0\n")
    assert facts["board"] == "NVIDIA Jetson Orin Nano Developer Kit"
    assert facts["l4t"] == "36.3.0"
    assert facts["mode"] == "15W"
    assert facts["kernel"] == "5.15.136-tegra"
    assert facts["processor"].startswith("ARMv8")


def test_state_is_in_degrees_and_hertz_and_a_fan_does_not_throttle(tmp_path):
    put(tmp_path, JETSON)
    state = device_state(12.5, tmp_path)
    assert state.time_s == 12.5
    assert state.temperatures_c == {"cpu-thermal": 48.25}
    assert state.clocks_hz == {"17000000.ga10b": 624.75e6, "cpu0": 1.5104e9, "emc": 2.133e9}
    assert state.clocks_pinned is True
    assert state.throttled is False
    assert state.throttle_reasons == ()


def test_throttling_and_over_current_are_named(tmp_path):
    throttled = {
        "sys/class/thermal/cooling_device1/cur_state": "2\n",
        "sys/class/hwmon/hwmon2/oc1_event_cnt": "3\n",
        "sys/class/devfreq/17000000.ga10b/min_freq": "306000000\n",
    }
    put(tmp_path, JETSON | throttled)
    state = device_state(0.0, tmp_path)
    assert state.throttled is True
    assert state.throttle_reasons == ("gpu-throttle-alert at level 2", "oc1_event_cnt=3 since boot")
    assert state.clocks_pinned is False


def test_a_machine_that_tells_nothing_is_unknown_not_fine(tmp_path):
    state = device_state(0.0, tmp_path)
    assert state.throttled is None
    assert state.clocks_pinned is None
    facts = machine_facts(tmp_path, lambda: "")
    assert "board" not in facts
    assert "mode" not in facts


def test_this_machine_can_be_asked():
    assert machine_facts()["kernel"]
    device_state(0.0)


def test_the_machine_is_named_as_far_as_it_can_be_read(tmp_path):
    assert machine_facts()["cores"]
    put(tmp_path, {"proc/cpuinfo": "processor : 0\nmodel name : ARMv8\n"})
    facts = machine_facts(tmp_path)
    assert facts["processor"] == "ARMv8"
    assert "board" not in facts
    assert "load" not in facts
