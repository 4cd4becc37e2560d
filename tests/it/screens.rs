//! Screens as people see them: each is a snapshot at 80 and at 120 columns, and fits.

use std::path::Path;

use crate::support::ended::Ended;
use crate::support::program::{Desk, end};

/// Widths of screens: that of every terminal when it opens, and that of a wide one.
const WIDTHS: [usize; 2] = [80, 120];

/// Runs a command on a screen of a width.
fn shown(desk: &Desk, args: &[&str], width: usize) -> Ended {
    let identity = ["--org", "demo", "--env", "dev", "--domain", "ml"];
    end(desk.logged(args, &identity).env("COLUMNS", width.to_string()))
}

/// Compares a screen with its snapshot, and makes sure that a person can read it.
#[track_caller]
fn compare(name: &str, screen: &str, width: usize) {
    for line in screen.lines() {
        // What has no blank to be folded at is there to be pasted, as a command in back quotes is.
        let text = line.trim_start();
        let is_whole =
            !text.contains(' ') || text.starts_with('`') || text.starts_with("Next: `") || text.contains("next     `");
        assert!(line.chars().count() <= width || is_whole, "{name}: wider than {width} columns: {line}");
        assert!(!line.contains('\u{1b}'), "{name}: an escape byte in a pipe: {line:?}");
    }
    for zero in [" 0 to ", " 0 unchanged", ", 0 ", ": 0 "] {
        assert!(!screen.contains(zero), "{name}: a count of zero:\n{screen}");
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path(Path::new("screens"));
    // Ids that follow from the folder's name, and times.
    for (pattern, becomes) in [("`[^` ]*studio-deploy ", "`studio-deploy "), ("/tmp/[^/ ]*/", "")] {
        settings.add_filter(pattern, becomes);
    }
    settings.bind(|| insta::assert_snapshot!(format!("{name}_{width}"), screen));
}

const CHANGED: &str = "
  tags: {team: science}
  securityGroupIngress:
    ipv4: [{cidr: 10.0.0.0/24, protocol: tcp, port: 443, description: proxy}]
  lifecycleConfigs:
    jupyterLab:
      cmds: [pip install pandas]
";

#[test]
fn the_first_plan_of_each_sample_fits_the_screen() {
    for sample in ["minimal", "comprehensive", "sso"] {
        for width in WIDTHS {
            let desk = Desk::new();
            let plan = shown(&desk, &["plan", &format!("{sample}.yaml")], width).expect(0);
            compare(&format!("first_plan_{sample}"), &plan.data, width);
        }
    }
}

#[test]
fn a_change_names_old_and_new_at_its_path_and_line() {
    let desk = Desk::new();
    desk.minimal_and("studio.yaml", CHANGED);
    shown(&desk, &["apply", "studio.yaml", "--auto-approve"], 80).expect(0);
    desk.minimal_and("studio.yaml", &CHANGED.replace("pandas", "--upgrade pandas").replace("science", "art"));
    for width in WIDTHS {
        compare("update", &shown(&desk, &["plan", "studio.yaml"], width).expect(0).data, width);
    }
}

#[test]
fn what_is_blocked_stands_first_with_the_way_out() {
    let desk = Desk::new();
    desk.minimal_and("studio.yaml", "    ben: {userRole: {id: 'test-user-role-id'}}\n");
    shown(&desk, &["apply", "studio.yaml", "--auto-approve"], 80).expect(0);
    let moved = desk.read("minimal.yaml").replace("vpcId: vpc-id", "vpcId: vpc-other");
    desk.write("moved.yaml", &moved);
    for width in WIDTHS {
        compare("blocked", &shown(&desk, &["plan", "moved.yaml"], width).expect(0).data, width);
    }
}

#[test]
fn an_end_says_what_to_do_next() {
    for width in WIDTHS {
        let desk = Desk::new();
        let applied = shown(&desk, &["apply", "minimal.yaml", "--auto-approve"], width).expect(0);
        let end: Vec<&str> = applied.data.lines().skip_while(|line| !line.starts_with("Apply complete")).collect();
        compare("applied", &end.join("\n"), width);
        let plan = shown(&desk, &["plan", "minimal.yaml"], width).expect(0);
        compare("no_changes", &plan.data, width);
        compare("destroy", &shown(&desk, &["plan", "minimal.yaml", "--destroy"], width).expect(0).data, width);
    }
}

#[test]
fn a_thousand_users_take_a_screen() {
    let users: String =
        (0..1000).map(|at| format!("    user-{at}: {{userRole: {{name: test-user-role}}}}\n")).collect();
    let desk = Desk::new();
    desk.minimal_and("studio.yaml", &users);
    for width in WIDTHS {
        let plan = shown(&desk, &["plan", "studio.yaml"], width).expect(0);
        assert!(plan.data.lines().count() < 60, "{}", plan.data);
        compare("many_users", &plan.data, width);
    }
}
