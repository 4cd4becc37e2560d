//! Documents that would be too large are told of by `validate` already, at what makes them so.

use crate::support::account::{APPLY, Lab};

fn config(admins: usize, sharing: usize, assets: usize) -> String {
    let admins: Vec<String> = (0..admins).map(|at| format!("{{id: AROA{at:017}}}")).collect();
    format!(
        "domain:\n  authMode: IAM\n  vpcId: vpc-1\n  subnetIds: [subnet-1]\n  dataAdminRoles: [{}]\n  notebookSharingPrefix: {}\n  \
         assetPrefix: {}\n",
        admins.join(", "),
        "s".repeat(sharing),
        "a".repeat(assets)
    )
}

#[test]
fn what_is_too_large_is_told_of_before_anybody_is_asked() {
    let cases = [
        (1, 10, 10, None),
        (100, 10, 10, None),
        (900, 10, 10, Some((5, "dataAdminRoles"))),
        (1, 10, 7000, Some((7, "assetPrefix"))),
        (1, 900, 10, None),
        (1, 900, 7000, Some((7, "assetPrefix"))),
    ];
    for (admins, sharing, assets, expected) in cases {
        let text = config(admins, sharing, assets);
        let lab = Lab::new();
        let validated = lab.run(&["validate"], &text);
        let applied = lab.run(APPLY, &text);
        let what = format!("{admins} {sharing} {assets}\n{}\n{}", validated.notes, applied.notes);
        let Some((line, key)) = expected else {
            assert!(!validated.notes_show("SD1502"), "{what}");
            assert_eq!(applied.code, 0, "{what}");
            continue;
        };
        assert!(validated.notes_show("SD1502") && validated.notes_show(&format!("come from `{key}`")), "{what}");
        assert!(validated.notes_show(&format!("studio.yaml:{line}:")), "{what}");
        assert_eq!((validated.code, applied.code, applied.writes().len()), (0, 3, 0), "{what}");
        assert!(applied.notes_show(&format!("come from `{key}`")), "{what}");
        // Nothing is allowed beside what is refused.
        assert_eq!(lab.run(&["validate", "--deny-warnings"], &text).code, 3, "{what}");
    }
    println!("{} sizes", cases.len());
}
