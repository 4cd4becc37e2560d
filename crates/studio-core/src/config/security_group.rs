//! Security group rules, and the protocol names that they may use.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Security group rules of one direction.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecurityGroupRules {
    /// Rules whose peer is a range of IPv4 addresses.
    #[serde(default)]
    #[schemars(with = "Vec<Ipv4RuleInYaml>")]
    pub ipv4: Vec<SecurityGroupRule>,
    /// Rules whose peer is a security group.
    #[serde(default)]
    #[schemars(with = "Vec<GroupRuleInYaml>")]
    pub sg: Vec<SecurityGroupRule>,
    /// Rules whose peer is a prefix list.
    #[serde(default)]
    #[schemars(with = "Vec<PrefixListRuleInYaml>")]
    pub prefix_list: Vec<SecurityGroupRule>,
}

impl SecurityGroupRules {
    /// Returns `true` if there is no rule at all.
    pub fn is_empty(&self) -> bool {
        self.ipv4.is_empty() && self.sg.is_empty() && self.prefix_list.is_empty()
    }

    /// The three lists by their keys.
    pub fn lists(&self) -> [(&'static str, &[SecurityGroupRule]); 3] {
        [("ipv4", &self.ipv4), ("sg", &self.sg), ("prefixList", &self.prefix_list)]
    }
}

/// One rule; which list it is in says what kind of peer it has.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecurityGroupRule {
    /// The other side: a CIDR, a security group's id or a prefix list's id.
    #[serde(alias = "cidr", alias = "sgId", alias = "prefixList")]
    pub peer: String,
    /// The protocol's name as written.
    pub protocol: String,
    /// The port, or the first of a range.
    #[serde(default)]
    pub port: Option<i64>,
    /// The last port of a range.
    #[serde(default)]
    pub to_port: Option<i64>,
    /// What the rule is for.
    #[serde(default)]
    pub description: Option<String>,
    /// Findings of the security gate that this rule accepts.
    #[serde(default)]
    pub suppressions: Vec<Suppression>,
}

impl SecurityGroupRule {
    /// The last port: `toPort`, where zero counts as absent as in MDAA, else `port`.
    pub fn last_port(&self) -> Option<i64> {
        self.to_port.filter(|&port| port != 0).or(self.port)
    }

    /// The peer as EC2 keeps it: a range without the bits that its mask covers, anything else as it is.
    pub fn kept_peer(&self) -> String {
        kept_range(&self.peer).unwrap_or_else(|| self.peer.clone())
    }

    /// The ports as EC2 keeps them: of a protocol other than these it lets everything through, and keeps none
    /// (AuthorizeSecurityGroupIngress, IpPermission).
    pub fn kept_ports(&self) -> Option<(Option<i64>, Option<i64>)> {
        let has_ports = matches!(self.ip_protocol(), "tcp" | "udp" | "icmp" | "icmpv6");
        has_ports.then(|| (self.port, self.last_port()))
    }

    /// EC2's word for the protocol; what is written where there is none.
    pub fn ip_protocol(&self) -> &str {
        ip_protocol(&self.protocol).unwrap_or(&self.protocol)
    }

    /// The identity of this rule within one direction, given the list that it is in. EC2 keeps only one of two rules with the
    /// same identity, even if they are written differently.
    pub fn identity(&self, list: &'static str) -> RuleIdentity {
        RuleIdentity(list, self.kept_peer(), self.ip_protocol().to_owned(), self.kept_ports())
    }
}

/// A range of IPv4 addresses without the bits that its mask covers.
fn kept_range(range: &str) -> Option<String> {
    let (address, mask) = range.split_once('/')?;
    let bits: u32 = mask.parse().ok().filter(|bits| *bits <= 32)?;
    // A number that begins with zero is octal to some, and refused.
    let plain = |part: &str| part == "0" || !part.starts_with(['0', '+']);
    let parts: Vec<u8> =
        address.split('.').map(|part| part.parse().ok().filter(|_| plain(part))).collect::<Option<_>>()?;
    let address = u32::from_be_bytes(parts.try_into().ok()?);
    let [a, b, c, d] = (address & u32::MAX.checked_shl(32 - bits).unwrap_or_default()).to_be_bytes();
    Some(format!("{a}.{b}.{c}.{d}/{bits}"))
}

/// Identity of a rule to EC2: kind of peer, peer, protocol and ports.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleIdentity(&'static str, String, String, Option<(Option<i64>, Option<i64>)>);

/// A finding that is accepted, and why.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Suppression {
    /// The finding's id.
    #[schemars(extend("examples" = ["AwsSolutions-EC23"]))]
    pub id: String,
    /// Why it is accepted.
    pub reason: String,
    /// Parts of the finding; only carried along, as the findings on rules have none.
    #[serde(default)]
    pub applies_to: Vec<AppliesTo>,
}

/// A part of a finding, literally or as a regular expression; free-form since nothing here depends on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct AppliesTo(pub Json);

/// Declares the YAML schema of a rule, which differs only in the peer's key.
macro_rules! rule_in_yaml {
    ($(#[$attribute:meta])* $name:ident, $peer:ident) => {
        $(#[$attribute])*
        #[derive(JsonSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        #[expect(dead_code, reason = "only its schema is used")]
        struct $name {
            /// The peer of the rule.
            $peer: String,
            /// The protocol: `tcp`, `udp`, `icmp`, `icmpv6`, `all`, or the name of another IANA protocol, such as `esp`.
            protocol: String,
            /// The port, or the first of a range; mandatory unless the protocol is `all`. All of ICMP is -1.
            #[serde(default)]
            #[schemars(range(min = -1, max = 65_535))]
            port: Option<i64>,
            /// The last port of a range.
            #[serde(default)]
            #[schemars(range(min = -1, max = 65_535))]
            to_port: Option<i64>,
            /// What the rule is for.
            #[serde(default)]
            #[schemars(length(max = 255))]
            description: Option<String>,
            /// Findings of the security gate that this rule accepts.
            #[serde(default)]
            suppressions: Vec<Suppression>,
        }
    };
}

rule_in_yaml! {
    /// A rule whose peer is a range of IPv4 addresses.
    Ipv4RuleInYaml, cidr
}
rule_in_yaml! {
    /// A rule whose peer is a security group.
    GroupRuleInYaml, sg_id
}
rule_in_yaml! {
    /// A rule whose peer is a prefix list.
    PrefixListRuleInYaml, prefix_list
}

/// EC2's word for a protocol name of MDAA (any case), or nothing if the name is unknown.
pub fn ip_protocol(name: &str) -> Option<&'static str> {
    let name = name.to_uppercase();
    PROTOCOLS.iter().find(|(known, _)| *known == name).map(|(_, protocol)| *protocol)
}

/// The protocol names that MDAA takes from the CDK, with EC2's word for each: names for the usual ones, else IANA's number.
///
/// The CDK spells the number of `IPTM` wrongly, as `84_`; this is the right one.
pub const PROTOCOLS: [(&str, &str); 147] = [
    ("ALL", "-1"),
    ("TCP", "tcp"),
    ("UDP", "udp"),
    ("ICMP", "icmp"),
    ("ICMPV6", "icmpv6"),
    ("HOPOPT", "0"),
    ("IGMP", "2"),
    ("GGP", "3"),
    ("IPV4", "4"),
    ("ST", "5"),
    ("CBT", "7"),
    ("EGP", "8"),
    ("IGP", "9"),
    ("BBN_RCC_MON", "10"),
    ("NVP_II", "11"),
    ("PUP", "12"),
    ("EMCON", "14"),
    ("XNET", "15"),
    ("CHAOS", "16"),
    ("MUX", "18"),
    ("DCN_MEAS", "19"),
    ("HMP", "20"),
    ("PRM", "21"),
    ("XNS_IDP", "22"),
    ("TRUNK_1", "23"),
    ("TRUNK_2", "24"),
    ("LEAF_1", "25"),
    ("LEAF_2", "26"),
    ("RDP", "27"),
    ("IRTP", "28"),
    ("ISO_TP4", "29"),
    ("NETBLT", "30"),
    ("MFE_NSP", "31"),
    ("MERIT_INP", "32"),
    ("DCCP", "33"),
    ("THREEPC", "34"),
    ("IDPR", "35"),
    ("XTP", "36"),
    ("DDP", "37"),
    ("IDPR_CMTP", "38"),
    ("TPPLUSPLUS", "39"),
    ("IL", "40"),
    ("IPV6", "41"),
    ("SDRP", "42"),
    ("IPV6_ROUTE", "43"),
    ("IPV6_FRAG", "44"),
    ("IDRP", "45"),
    ("RSVP", "46"),
    ("GRE", "47"),
    ("DSR", "48"),
    ("BNA", "49"),
    ("ESP", "50"),
    ("AH", "51"),
    ("I_NLSP", "52"),
    ("SWIPE", "53"),
    ("NARP", "54"),
    ("MOBILE", "55"),
    ("TLSP", "56"),
    ("SKIP", "57"),
    ("IPV6_NONXT", "59"),
    ("IPV6_OPTS", "60"),
    ("CFTP", "62"),
    ("ANY_LOCAL", "63"),
    ("SAT_EXPAK", "64"),
    ("KRYPTOLAN", "65"),
    ("RVD", "66"),
    ("IPPC", "67"),
    ("ANY_DFS", "68"),
    ("SAT_MON", "69"),
    ("VISA", "70"),
    ("IPCV", "71"),
    ("CPNX", "72"),
    ("CPHB", "73"),
    ("WSN", "74"),
    ("PVP", "75"),
    ("BR_SAT_MON", "76"),
    ("SUN_ND", "77"),
    ("WB_MON", "78"),
    ("WB_EXPAK", "79"),
    ("ISO_IP", "80"),
    ("VMTP", "81"),
    ("SECURE_VMTP", "82"),
    ("VINES", "83"),
    ("TTP", "84"),
    ("IPTM", "84"),
    ("NSFNET_IGP", "85"),
    ("DGP", "86"),
    ("TCF", "87"),
    ("EIGRP", "88"),
    ("OSPFIGP", "89"),
    ("SPRITE_RPC", "90"),
    ("LARP", "91"),
    ("MTP", "92"),
    ("AX_25", "93"),
    ("IPIP", "94"),
    ("MICP", "95"),
    ("SCC_SP", "96"),
    ("ETHERIP", "97"),
    ("ENCAP", "98"),
    ("ANY_ENC", "99"),
    ("GMTP", "100"),
    ("IFMP", "101"),
    ("PNNI", "102"),
    ("PIM", "103"),
    ("ARIS", "104"),
    ("SCPS", "105"),
    ("QNX", "106"),
    ("A_N", "107"),
    ("IPCOMP", "108"),
    ("SNP", "109"),
    ("COMPAQ_PEER", "110"),
    ("IPX_IN_IP", "111"),
    ("VRRP", "112"),
    ("PGM", "113"),
    ("ANY_0_HOP", "114"),
    ("L2_T_P", "115"),
    ("DDX", "116"),
    ("IATP", "117"),
    ("STP", "118"),
    ("SRP", "119"),
    ("UTI", "120"),
    ("SMP", "121"),
    ("SM", "122"),
    ("PTP", "123"),
    ("ISIS_IPV4", "124"),
    ("FIRE", "125"),
    ("CRTP", "126"),
    ("CRUDP", "127"),
    ("SSCOPMCE", "128"),
    ("IPLT", "129"),
    ("SPS", "130"),
    ("PIPE", "131"),
    ("SCTP", "132"),
    ("FC", "133"),
    ("RSVP_E2E_IGNORE", "134"),
    ("MOBILITY_HEADER", "135"),
    ("UDPLITE", "136"),
    ("MPLS_IN_IP", "137"),
    ("MANET", "138"),
    ("HIP", "139"),
    ("SHIM6", "140"),
    ("WESP", "141"),
    ("ROHC", "142"),
    ("ETHERNET", "143"),
    ("EXPERIMENT_1", "253"),
    ("EXPERIMENT_2", "254"),
    ("RESERVED", "255"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_are_named_in_any_case() {
        let cases = [
            ("tcp", Some("tcp")),
            ("All", Some("-1")),
            ("ESP", Some("50")),
            ("iptm", Some("84")),
            ("-1", None),
            ("6", None),
        ];
        for (name, expected) in cases {
            assert_eq!(ip_protocol(name), expected, "{name}");
        }
    }

    #[test]
    fn a_zero_last_port_is_none() {
        let rule = |to_port| SecurityGroupRule { port: Some(443), to_port, ..SecurityGroupRule::default() };
        assert_eq!(rule(Some(0)).last_port(), Some(443));
        assert_eq!(rule(Some(500)).last_port(), Some(500));
        assert_eq!(rule(None).last_port(), Some(443));
    }
}
